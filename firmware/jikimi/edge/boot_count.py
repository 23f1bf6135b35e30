"""The number of this boot: once in each start, so it is forgotten after it."""


def next_boot(state, segments):
    """Count this start: a number that no record on this flash carries yet, durable before it is returned.

    `state` and `segments` are the `Files` of the two directories.
    """
    boot = _stored_boot(state)
    for name in segments.names():
        parts = name.split(".")[0].split("-")
        if len(parts) == 3:
            boot = max(boot, int(parts[1]))
    boot += 1
    file = state.create("boot.new")
    try:
        state.write(file, b"%d\n" % boot)
    finally:
        state.close(file)
    state.rename("boot.new", "boot")
    return boot


def _stored_boot(state):
    try:
        return int(state.read("boot"))
    except OSError:
        return 0  # the first start of this flash
    except ValueError:
        return 0  # not from a power cut (it is written aside and renamed); the names of the segments are the floor
