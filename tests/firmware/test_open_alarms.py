"""What was on before a restart is on after it."""


def test_the_alarms_that_are_on_survive_restart_acknowledgement_and_every_cut_of_the_power(run_device):
    result = run_device("open_alarms_cases")
    assert result["uncut"] == [[2, 2, 1]]  # the fall was cleared, the call for help is on
    assert result["cuts"] > 20
    assert result["wrong"] == 0


def test_whatever_has_become_of_the_file_that_keeps_alarms_a_tag_starts_and_shows_what_its_journal_has(run_device):
    assert run_device("open_alarms_cases")["rotten"] == 7 * [[1]]
