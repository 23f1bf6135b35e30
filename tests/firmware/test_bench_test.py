"""What a board says of its own parts on the bench."""


def test_an_inertial_unit_that_is_slow_to_start_and_seldom_looked_at_gives_as_many_samples_as_it_should(run_device):
    assert run_device("bench_cases") == ["30 samples, 1.00 g", "240 samples, 1.00 g"]
