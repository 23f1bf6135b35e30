"""What LOST records say about journal segments that had to make room."""

from jikimi.edge.segment import read_kind
from jikimi.wire import kinds

# Ranges reported one by one; what is older is reported as a sum. It keeps the report far below one segment, or making
# room for the report could go on needing room for ever.
_MOST = 32


def missing(segment, first, last):
    """Data of a LOST record for a range of a segment's boot and stream."""
    return {
        kinds.LOST_COUNT: last - first + 1,
        kinds.LOST_BOOT: segment.boot,
        kinds.LOST_STREAM: segment.stream,
        kinds.LOST_FIRST: first,
        kinds.LOST_LAST: last,
    }


def ranges(segments, others, files):
    """Data of the LOST records, one per boot and stream, for `segments` and for `others`, which are such data already.

    What the LOST records inside a segment named is in them too.
    """
    found = {}
    for data in others:
        _merge(found, data)
    for segment in segments:
        with files.open(segment.name) as file:
            for data in read_kind(file, kinds.LOST, segment.acked):
                _merge(found, data)
        _merge(found, missing(segment, segment.acked + 1, segment.last))
    keys = sorted(found)
    surplus = keys[: max(0, len(keys) - _MOST)]
    reports = [found[key] for key in keys[len(surplus) :]]
    if surplus:
        reports.append({kinds.LOST_COUNT: sum([found[key][kinds.LOST_COUNT] for key in surplus])})
    return reports


def _merge(found, data):
    """Add one range to those `found`, by (boot, stream); a range told twice counts once."""
    key = (data.get(kinds.LOST_BOOT, 0), data.get(kinds.LOST_STREAM, 0))
    known = found.get(key)
    if known is None:
        found[key] = dict(data)
        return
    first, last = data.get(kinds.LOST_FIRST, 0), data.get(kinds.LOST_LAST, 0)
    if last and known[kinds.LOST_FIRST] <= first and last <= known[kinds.LOST_LAST]:
        return
    known[kinds.LOST_COUNT] += data[kinds.LOST_COUNT]
    if last:
        known[kinds.LOST_FIRST] = min(known[kinds.LOST_FIRST], first)
        known[kinds.LOST_LAST] = max(known[kinds.LOST_LAST], last)
