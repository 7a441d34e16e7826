#!/usr/bin/env python3
"""Checks exhaustively which uploads become one photo, and that hidden photos stay hidden.

This is the model of docs/ingest-protocol.md. In it, a name belongs to the evidence of an item.
Change a step of the protocol only together with this model.

The model has two workers that may die at any step, duplicate, reordered and old events, and copies
that land after their condition was checked. A person acts at any moment.

  identity_protocol.py            checks the table same_shot, all scenarios and all ablations
  identity_protocol.py --short    checks the table, the small scenarios and all needed steps
  identity_protocol.py 'Ja h JA' [ABLATION...] [-dN] [-cN]
                                  checks one script with N duplicate events and N crashes (1 each)
  -v                              also prints the shortest way to each bad state of an ablation

It prints the states of each scenario, the number of scenarios and the seconds. The exit status is 1
if a state is bad, if a step turns out to be needless, or if a needless step is needed. The whole
has 5,321,592 states in 84 scenarios, none bad, and takes less than 10 minutes on two cores. A short
run takes less than a minute. `.ci/run model` starts it.

The source keys are J (JPEG) and N (RAW) of one folder, and M and O, the same names in another
folder. The stems are P, P2, ... of day 1, R, R2, ... of day 2, and X, a name that a person chose.
The letters of the bytes:

  a  a shot                             n  the RAW file of the shot
  A  an edit of it                      p  an edit of the RAW file
  B  another edit of it                 b  another shot of the same day and name
  Z  an edit that has another day       d  a file that a person puts into the archive
  o  the bytes of a, uploaded anew, so that the source has another ETag or Last-Modified

The acts of a script:

  Ja   upload the bytes a under the source key J
  -J   delete the source J
  mJM  rename the source J to M
  h    hide any visible item of the shot, at any moment
  x    remove the JPEG of the stem P from the archive by hand
  v    rename the JPEG of P in the archive, as `aws s3 mv` does, to X
  w    the same, to R, a name of another day
  d    put the file d into the archive under the JPEG name of P
  t    lose the table, and index the whole archive anew
  q    wait until all work is done

An ablation leaves out one step, to show what breaks without it. The numbers are those of the steps:
1 to 7 are organise, i1 to i5 are index, m1 to m5 move a photo to another day.

  removed by hand, and back again:  noledger (2), nostays (3)
  the source is not archived:       flagless (a claim counts as seen), noown (3, an older copy of
                                    our own that landed late), nojoin (4, a pair claims its slot),
                                    noslot (4b), noclaimkey, nobehalf (5, for another key), nobring
                                    (4, uploaded anew), nosource (i5), nopin (m3, m5), nothere (m5)
  a replaced version stays:         lateledger (6 after 7), noled1 (4, the ledger's stem first),
                                    nocas (6), noredirect (m4)
  a photo overwrites another:       noclaim (4), nounknown (5), nolive (4, the live file decides)
  a file by hand is overwritten:    nohead, noforeign (5)
  hidden, and public:               noadopt, nokin (i2b), nowalk (hide), nocarry (m1, m2), noretract
                                    (4 and 5, a claim that was not used)
  newcomer of a hidden photo:       nobeside (4), nokeep (i3)
  one shot becomes two photos:      nopair (S6 of the table), notakeover (4b)
  catalogue and archive differ:     norev, noverify, notombstone, noarchive (index)
  in the folder of another day:     nomove
  nothing:                          getfirst (the order of 1 and 2), nomatch (7). These only save
                                    work, so a store may ignore them

Left out of the model: uploads of the same bytes other than o; uploads under another base name;
titles and captions (they follow a photo as its visibility does); showing a photo again;
SOURCE_AFTER=delete; digests of picture data; cut files; the bound of the evidence; merging;
reconcile; migration; more than two workers, one duplicate and one crash in a script. Most scripts
of three and more acts run without crashes and duplicates. The index inside step 5 is one step.

Two faults are allowed after a copy that landed late, and after an edit while its photo moves: an
older version stays beside the newer one, and equal bytes are in the archive twice.
"""
import gc
import os
import sys
import time
from collections import namedtuple
from multiprocessing import Pool

# The script and the ablations of the run. Each process of the pool sets its own.
SCRIPT = []
ABLATED = frozenset()

# parts: ((format, bytes, is live, source key), ...)
# evidence: {(bytes, source key, format, was seen by index), ...}
# passed: the claims that were retracted, (bytes, source key, format)
Item = namedtuple('Item', 'parts evidence private kin passed', defaults=(frozenset(),))
# stem: the name under which organise or a move put the file. None: the file has no metadata of ours.
File = namedtuple('File', 'bytes source stem')
# sources: {source key: bytes with their version}      step: the next act of the script
# archive: {(stem, format): File}                      items: {stem: Item}
# ledger: {source key: (bytes with their version, stem)}
# source_events, archive_events: {key: number}         late: copies whose worker died
# duplicates, crashes: how many may still happen       owner: the act by hand that is under way
# hidden: bytes that were hidden by hand               due: bytes that must be hidden with them
# removed: bytes that were removed while all was quiet gone: bytes that were removed at any moment
# archived: shots that were ever in the archive        slow: a fault of a slow copy is allowed
State = namedtuple('State', 'sources step archive items ledger source_events archive_events '
                            'duplicates crashes workers late hidden due removed gone archived owner slow')

SHOT = dict(a=1, A=1, B=1, Z=1, n=1, p=1, b=2, d=9)
FORMAT = dict(J='j', N='w', M='j', O='w')
IDLE = ('idle',)
EMPTY = Item((), frozenset(), False, frozenset())
JPEG_OF_P = ('P', 'j')
NAMES = {day: tuple(base + number for number in ('', '2', '3', '4', '5')) for day, base in ((1, 'P'), (2, 'R'))}


def bytes_of(version): return 'a' if version == 'o' else version
def day_of_bytes(bytes_): return 2 if bytes_ == 'Z' else 1
def day_of_stem(stem): return 2 if stem[0] == 'R' else 1
def names_for(bytes_): return NAMES[day_of_bytes(bytes_)]
def live(item): return [part for part in item.parts if part[2]]


def part_of(item, fmt):
    for part in item.parts if item else ():
        if part[0] == fmt:
            return part
    return None


def with_part(item, part):
    return tuple(sorted([x for x in item.parts if x[0] != part[0]] + [part]))


def with_seen(evidence, bytes_, source, fmt):
    return frozenset(x for x in evidence if x[:3] != (bytes_, source, fmt)) | {(bytes_, source, fmt, True)}


def was_seen(item, bytes_):
    return any(x == bytes_ and (seen or 'flagless' in ABLATED) for x, _, _, seen in item.evidence)


def is_claimed(item, bytes_): return any(x[0] == bytes_ for x in item.evidence)


def bytes_known(item, fmt):
    return frozenset(x for x, _, y, _ in item.evidence if y == fmt) if item else frozenset()


def claimer_of(item, bytes_, default):
    """Returns the source key that claimed these bytes first, or the default."""
    return next((key for x, key, _, _ in sorted(item.evidence, key=repr) if x == bytes_ and key), default)


def same_shot(item, bytes_, source, entry, stem):
    """Compares an upload with all evidence of an item. Returns Same, Undecided or Different."""
    fmt = FORMAT[source]
    part = part_of(item, fmt)
    if was_seen(item, bytes_):
        return 'Same'
    has_own_copy = bool(part and part[2] and part[3] == source)
    if any(key == source or x == bytes_ or (SHOT[x] == SHOT[bytes_] and not has_own_copy)
           for x, key, _ in item.passed):
        return 'Undecided'
    at_stem = bool(entry) and entry[1] == stem
    if part and part[2] and 'nolive' not in ABLATED:
        # The file that is there decides, not bytes that were only claimed.
        same_key = at_stem or any(key == source and y == fmt for _, key, y, _ in item.evidence)
        same = SHOT[part[1]] == SHOT[bytes_]
        if part[3] and same and (same_key or is_claimed(item, bytes_)):
            return 'Same'
        is_pair = any(SHOT[x[1]] == SHOT[bytes_] for x in live(item))
        return 'Undecided' if same_key or is_pair else 'Different'
    if is_claimed(item, bytes_):
        return 'Same'
    own = {x for x, key, _, _ in item.evidence if key == source}
    if at_stem:
        own.add(bytes_of(entry[0]))
    if own:
        return 'Same' if any(SHOT[x] == SHOT[bytes_] for x in own) else 'Undecided'
    known = [(x, y) for x, _, y, _ in item.evidence]
    # What the older files of a hidden photo show is still hidden.
    shown = known if item.private else [(x[1], x[0]) for x in live(item)] or known
    is_pair = any(SHOT[x] == SHOT[bytes_] and y != fmt for x, y in shown)
    is_taken = bool(part and part[2]) or (
        'nojoin' not in ABLATED and any(y == fmt for _, _, y, _ in item.evidence))
    if is_pair and not is_taken and 'nopair' not in ABLATED:
        return 'Same'
    return 'Undecided' if any(SHOT[x] == SHOT[bytes_] for x, _ in shown) else 'Different'


def plus(counts, key, number=1):
    return {**counts, key: counts.get(key, 0) + number}


def is_quiet(s):
    return not (s.source_events or s.archive_events or s.late or s.owner) and all(w == IDLE for w in s.workers)


class Moves:
    """Finds all states that follow from a state by one request, event or act."""
    MAPS = frozenset(('sources', 'archive', 'items', 'ledger'))
    COUNTS = frozenset(('source_events', 'archive_events'))

    def __init__(self, s):
        self.s = s
        self.sources, self.archive, self.items, self.ledger, self.source_events, self.archive_events = map(
            dict, (s.sources, s.archive, s.items, s.ledger, s.source_events, s.archive_events))
        self.found = []

    def all(self):
        s = self.s
        if s.step < len(SCRIPT):
            self.act()
        if s.owner:
            self.continue_act()
        for copy in s.late:
            key, file = copy
            self.add('late copy of %s lands at %s' % (file.bytes, key[0]),
                     late=tuple(x for x in s.late if x != copy), archive={**self.archive, key: file},
                     archive_events=plus(self.archive_events, key), slow=True)
        if s.duplicates:
            for key in self.sources:
                self.add('event %s again' % key, duplicates=s.duplicates - 1,
                         source_events=plus(self.source_events, key))
            for key in self.archive:
                self.add('event %s.%s again' % key, duplicates=s.duplicates - 1,
                         archive_events=plus(self.archive_events, key))
        for number, worker in enumerate(s.workers):
            # Two workers in the same state are one case.
            if not (number and worker == s.workers[number - 1]):
                self.work(number, worker)
        return self.found

    def add(self, label, **changes):
        """Adds the state with these changes."""
        s = self.s
        for name, value in changes.items():
            if name in self.MAPS:
                changes[name] = tuple(sorted(value.items()))
            elif name in self.COUNTS:
                changes[name] = tuple(sorted((key, count) for key, count in value.items() if count))
        if 'archive' in changes:
            changes['archived'] = s.archived | {SHOT[file.bytes] for _, file in changes['archive']}
        self.found.append((label, s._replace(**changes)))

    def notify(self, *keys):
        return {**self.archive_events, **{key: self.archive_events.get(key, 0) + 1 for key in keys}}

    # The script: uploads, and acts by hand.

    def act(self):
        s, text, step = self.s, SCRIPT[self.s.step], self.s.step + 1
        quiet, key = is_quiet(s), JPEG_OF_P
        if text == 'q':
            if quiet:
                self.add('quiet', step=step)
        elif text == 'd':
            self.add('drop d', step=step, archive={**self.archive, key: File('d', None, None)},
                     archive_events=self.notify(key))
        elif text == 't':
            if quiet:
                self.add('the table is lost', step=step, items={}, ledger={},
                         archive_events=self.notify(*self.archive))
        elif text in 'xvw' and key not in self.archive:
            self.add('nothing there', step=step)
        elif text == 'x':
            bytes_ = self.archive[key].bytes
            self.add('remove', step=step, archive={x: v for x, v in self.archive.items() if x != key},
                     archive_events=self.notify(key), gone=s.gone | {bytes_},
                     removed=frozenset({bytes_}) if quiet else s.removed)
        elif text in 'vw':
            to = ('X' if text == 'v' else 'R', 'j')
            self.add('mv: copy', step=step, archive={**self.archive, to: self.archive[key]},
                     archive_events=self.notify(to), owner=('mv', key))
        elif text == 'h':
            self.begin_to_hide(step)
        elif text[0] == 'm':
            old, new = text[1], text[2]
            if old in self.sources:
                kept = {x: v for x, v in self.sources.items() if x != old}
                self.add('rename %s %s' % (old, new), step=step, sources={**kept, new: self.sources[old]},
                         source_events=plus(self.source_events, new))
        elif text[0] == '-':
            self.add('delete source ' + text[1], step=step,
                     sources={x: v for x, v in self.sources.items() if x != text[1]})
        else:
            self.upload(text, step)

    def upload(self, text, step):
        s, source, version = self.s, text[0], text[1]
        bytes_, due = bytes_of(version), s.due
        is_new = (bytes_ not in map(bytes_of, self.sources.values())
                  and bytes_ not in {file.bytes for file in self.archive.values()}
                  and not any(is_claimed(item, bytes_) for item in self.items.values()))
        if is_new:
            entry, now = self.ledger.get(source), self.sources.get(source)
            replaces_hidden = (now is not None and entry and entry[0] == now
                               and bytes_of(now) in s.hidden | s.due
                               and entry[1] in self.items and self.items[entry[1]].private)
            joins_hidden = any(part[1] in s.hidden and SHOT[part[1]] == SHOT[bytes_]
                               for stem, item in self.items.items()
                               if item.private and day_of_stem(stem) == day_of_bytes(bytes_) and stem[0] != 'X'
                               for part in live(item))
            if replaces_hidden or joins_hidden:
                due = due | {bytes_}
        forgotten = {bytes_} if source in self.ledger else set()
        self.add('upload ' + text, step=step, sources={**self.sources, source: version},
                 source_events=plus(self.source_events, source), due=due,
                 removed=s.removed - forgotten, gone=s.gone - forgotten)

    def begin_to_hide(self, step):
        found = False
        if self.s.owner is None:
            for stem, item in self.items.items():
                if not item.private and any(SHOT[part[1]] == 1 for part in live(item)):
                    found = True
                    self.add('hide ' + stem, step=step, owner=('hide', (stem,), (), None))
        if not found:
            self.add('nothing to hide', step=step)

    def continue_act(self):
        """Hides the next item, or deletes the old name after a copy by hand."""
        s = self.s
        if s.owner[0] == 'mv':
            old = s.owner[1]
            kept = {key: file for key, file in self.archive.items() if key != old}
            lost = ({self.archive[old].bytes} if old in self.archive else set()) - {f.bytes for f in kept.values()}
            self.add('mv: delete', archive=kept, archive_events=self.notify(old), owner=None, gone=s.gone | lost)
            return
        # First the item that was named, then its kin, then theirs. Each is one update, whose answer
        # contains the kin.
        _, todo, done, shown = s.owner
        stem = todo[0]
        item = self.items.get(stem, EMPTY)
        if shown is None:
            shown = tuple(part[1] for part in live(item))
        kin = item.kin - set(done) - {stem} if 'nowalk' not in ABLATED else set()
        todo = tuple(sorted(set(todo[1:]) | kin))
        done = tuple(sorted(done + (stem,)))
        self.add('hide: ' + stem, items={**self.items, stem: item._replace(private=True)},
                 owner=('hide', todo, done, shown) if todo else None,
                 hidden=s.hidden if todo else s.hidden | set(shown))

    # Workers. A worker is a tuple: its next step, the event that it works on, and what it has read.

    def work(self, number, worker):
        self.number = number
        if worker == IDLE:
            for key in self.source_events:
                self.go('take event ' + key, ('get', key, key), source_events=plus(self.source_events, key, -1))
            for key in self.archive_events:
                self.go('take event %s.%s' % key, ('read', key), archive_events=plus(self.archive_events, key, -1))
            return
        step, event = worker[0], worker[1]
        self.event = event
        if self.s.crashes:
            back = (dict(source_events=plus(self.source_events, event)) if isinstance(event, str)
                    else dict(archive_events=plus(self.archive_events, event)))
            crashes = self.s.crashes - 1
            self.go('crash at ' + step, IDLE, crashes=crashes, **back)
            if step == 'land':
                copy = (worker[3], worker[4])
                self.go('crash, copy on its way', IDLE, crashes=crashes, late=self.s.late + (copy,), **back)
        STEPS[step](self, *worker[2:])

    def go(self, label, worker, **changes):
        """Adds the state in which this worker has taken its step. The order of workers has no meaning."""
        workers = list(self.s.workers)
        workers[self.number] = worker
        workers.sort(key=hash)
        self.add(label, workers=tuple(workers), **changes)

    # Organise.

    def get(self, source):
        if 'getfirst' in ABLATED:
            now = self.sources.get(source)
            self.go('1 GET %s = %s' % (source, now), ('ledger', self.event, source, now) if now else IDLE)
        else:
            self.go('2 ledger', ('get after ledger', self.event, source, self.ledger.get(source)))

    def get_after_ledger(self, source, entry):
        self.compare(source, self.sources.get(source), entry)

    def read_ledger(self, source, version):
        self.compare(source, version, self.ledger.get(source))

    def compare(self, source, version, entry):
        if version is None:
            self.go('1 GET: gone', IDLE)
        elif entry and entry[0] == version and 'noledger' not in ABLATED:
            self.go('1 GET %s = %s, known' % (source, version), ('known', self.event, source, version, entry))
        else:
            self.go('1 GET %s = %s' % (source, version), ('walk', self.event, source, version, entry, 0, False))

    def known(self, source, version, entry):
        stem, bytes_, fmt = entry[1], bytes_of(version), FORMAT[source]
        item = self.items[stem]
        part = part_of(item, fmt)

        def look(key):
            return ('look', self.event, source, version, entry, 0, False, stem, key, bytes_known(item, fmt))
        if part and part[2] and part[3] == source and part[1] != bytes_ and 'noown' not in ABLATED:
            self.go('3 an older version of our own', look(source))
        elif was_seen(item, bytes_) and 'nostays' not in ABLATED:
            self.go('3 seen: done', IDLE)
        else:
            self.go('3 not seen yet', look(claimer_of(item, bytes_, source)))

    def walk(self, source, version, entry, number, beside):
        """Claims the name with this number, or goes to the next one."""
        bytes_, fmt = bytes_of(version), FORMAT[source]
        names = names_for(bytes_)
        if entry and 'noled1' not in ABLATED:
            names = (entry[1],) + tuple(name for name in names if name != entry[1])
        stem = names[number]
        item = self.items.get(stem)
        if item is None:
            claim = Item((), frozenset({(bytes_, source, fmt, False)}), beside and 'nobeside' not in ABLATED, frozenset())
            self.go('4 claim ' + stem,
                    ('look', self.event, source, version, entry, number, beside, stem, source, frozenset()),
                    items={**self.items, stem: claim})
            return
        answer = 'Same' if 'noclaim' in ABLATED else same_shot(item, bytes_, source, entry, stem)
        if answer == 'Same':
            self.join(item, source, version, entry, number, beside, stem)
        else:
            if answer == 'Undecided':
                beside = beside or item.private
            self.go('4 %s: %s' % (stem, answer), self.after_name(item, source, version, entry, number, beside, stem))

    def after_name(self, item, source, version, entry, number, beside, stem):
        """Returns the step after a name that the upload cannot have: the next name, but first the
        claim of the upload is retracted, if there is one."""
        has_claim = (bytes_of(version), source, FORMAT[source], False) in item.evidence
        step = 'retract' if has_claim and 'noretract' not in ABLATED else 'walk'
        return (step, self.event, source, version, entry, number + 1, beside) + ((stem,) if step == 'retract' else ())

    def retract(self, source, version, entry, number, beside, stem):
        item, claim = self.items[stem], (bytes_of(version), source, FORMAT[source])
        retracted = item._replace(evidence=item.evidence - {claim + (False,)}, passed=item.passed | {claim})
        self.go('retract the claim of ' + stem, ('walk', self.event, source, version, entry, number, beside),
                items={**self.items, stem: retracted})

    def join(self, item, source, version, entry, number, beside, stem):
        """Step 4 at an item that is the same shot."""
        bytes_, fmt = bytes_of(version), FORMAT[source]
        part, event = part_of(item, fmt), self.event
        is_live = bool(part and part[2])
        is_claim_new = not is_claimed(item, bytes_)
        known = bytes_known(item, fmt)
        if was_seen(item, bytes_) and 'nostays' not in ABLATED and not (is_live and part[3] == source):
            is_own = any(key == source for _, key, y, _ in item.evidence if y == fmt) or entry and entry[1] == stem
            if is_own and entry and not is_live and 'nobring' not in ABLATED:
                anew = item._replace(
                    parts=tuple(x for x in item.parts if x[0] != fmt),
                    evidence=frozenset((bytes_, source, fmt, False) if x[0] == bytes_ else x for x in item.evidence))
                self.go('4 bring back', ('look', event, source, version, entry, number, beside, stem, source, known),
                        items={**self.items, stem: anew})
            else:
                self.go('4 %s has seen it' % stem, ('record', event, source, version, entry, stem, None))
            return
        others = {part[3]} if is_live else {key for _, key, y, _ in item.evidence if y == fmt}
        others -= {source, ''}
        if is_claim_new and others and 'noslot' not in ABLATED:
            other = min(others)
            self.go('4 join %s, whose file is of %s' % (stem, other),
                    ('slot', event, source, version, entry, number, beside or item.private, stem, other, known))
            return
        key = claimer_of(item, bytes_, source) if 'noclaimkey' not in ABLATED else source
        joined = item
        if 'nojoin' not in ABLATED and is_claim_new and not is_live:
            joined = joined._replace(evidence=joined.evidence | {(bytes_, source, fmt, False)})
        if beside and 'nobeside' not in ABLATED:
            joined = joined._replace(private=True)
        items = {**self.items, stem: joined}
        self.go('4 join ' + stem, ('look', event, source, version, entry, number, beside, stem, key, known), items=items)

    def slot(self, source, version, entry, number, beside, stem, other, known):
        if other in self.sources or 'notakeover' in ABLATED:
            self.go('4b HEAD %s: there' % other,
                    self.after_name(self.items[stem], source, version, entry, number, beside, stem))
        else:
            self.go('4b HEAD %s: gone' % other,
                    ('look', self.event, source, version, entry, number, beside, stem, source, known))

    def look(self, source, version, entry, number, beside, stem, key, known):
        """Step 5: HEAD of the archive key. `key` is the source key that the copy would name."""
        bytes_, fmt, event = bytes_of(version), FORMAT[source], self.event
        file, item = self.archive.get((stem, fmt)), self.items[stem]

        def record(copied):
            return ('record', event, source, version, entry, stem, copied)
        if file and file.bytes == bytes_ and 'nohead' not in ABLATED:
            self.go('5 HEAD: there', record(None))
        elif file is None or 'nohead' in ABLATED:
            self.go('5 HEAD: nothing', record(key))
        elif file.stem != stem and 'noforeign' not in ABLATED:
            self.go('5 HEAD: not ours',
                    self.after_name(item, source, version, entry, number, beside or item.private, stem))
        elif file.stem == stem and file.bytes not in known and 'nounknown' not in ABLATED:
            # The archive key is indexed first. Then organise starts again.
            indexed = item._replace(parts=with_part(item, (fmt, file.bytes, True, file.source)),
                                    evidence=with_seen(item.evidence, file.bytes, file.source, fmt))
            self.go('5 HEAD: ours, unknown to the item: index it', ('get', event, source),
                    items={**self.items, stem: indexed})
        elif key != source and 'nobehalf' not in ABLATED:
            self.go('5 HEAD: replaced by an edit', record(None))
        else:
            self.go('5 HEAD: an older version', record(source))

    def record(self, source, version, entry, stem, key):
        """Step 6: the ledger, before the copy. `key` is None if nothing is copied."""
        event = self.event
        if 'lateledger' in ABLATED and key:
            self.go('6 later', ('begin', event, source, version, stem, (key, entry)))
        elif self.ledger.get(source) != entry and 'nocas' not in ABLATED:
            self.go('6 ledger: changed', ('get', event, source))
        else:
            self.go('6 ledger %s = %s at %s' % (source, version, stem),
                    ('begin', event, source, version, stem, key) if key else IDLE,
                    ledger={**self.ledger, source: (version, stem)})

    def begin(self, source, version, stem, key):
        """Step 7: the condition of the copy is checked. The copy lands later."""
        entry = ()
        if 'lateledger' in ABLATED:
            key, entry = key
        if self.sources.get(source) == version or 'nomatch' in ABLATED:
            file = File(bytes_of(version), key, stem)
            self.go('7 COPY begins', ('land', self.event, source, (stem, FORMAT[source]), file, version, entry))
        else:
            self.go('7 COPY begins', ('get', self.event, source))

    def land(self, source, key, file, version, entry):
        after = ('record', self.event, source, version, entry, key[0], None) if 'lateledger' in ABLATED else IDLE
        self.go('7 COPY %s to %s' % (file.bytes, key[0]), after, archive={**self.archive, key: file},
                archive_events=self.notify(key) if 'noarchive' not in ABLATED else self.archive_events,
                slow=self.s.slow or self.sources.get(source) != version)

    # Index. The event is the archive key.

    def read(self):
        self.go('i1 item', ('get copy', self.event, self.items.get(self.event[0])))

    def get_copy(self, item):
        file = self.archive.get(self.event)
        is_elsewhere = file and file.stem and file.stem != self.event[0] and 'noadopt' not in ABLATED
        self.go('i2 GET', ('adopt' if is_elsewhere else 'put', self.event, item, file, None))

    def adopt(self, item, file, _):
        """Step 2b: a copy or a rename by hand becomes kin of the item that its metadata names."""
        other = self.items.get(file.stem)
        if other is None:
            self.go('i2b nothing there', ('put', self.event, item, file, None))
            return
        kin = other._replace(kin=other.kin | {self.event[0]})
        self.go('i2b kin of ' + file.stem, ('put', self.event, item, file, other.private),
                items={**self.items, file.stem: kin} if 'nokin' not in ABLATED else self.items)

    def put(self, item, file, adopted):
        """Step 3. `adopted` is what is set at the kin, or None if there is none."""
        stem, fmt = self.event
        event = self.event
        if self.items.get(stem) != item and 'norev' not in ABLATED:
            self.go('i3 stale', ('read', event))
            return
        was = part_of(item, fmt)
        if file is None:
            if item is None or was and not was[2]:
                self.go('i3 gone, known', IDLE)
            elif 'notombstone' in ABLATED:
                bare = item._replace(parts=tuple(x for x in item.parts if x[0] != fmt))
                self.go('i3 gone', IDLE, items={**self.items, stem: bare})
            else:
                tombstone = (fmt, was[1] if was else '?', False, was[3] if was else '')
                self.go('i3 tombstone', ('verify', event, None),
                        items={**self.items, stem: item._replace(parts=with_part(item, tombstone))})
            return
        source = file.source if file.stem == stem else ''
        part = (fmt, file.bytes, True, source)
        if was == part and adopted is None:
            self.go('i3 known', ('source', event, file))
            return
        base = item or EMPTY
        indexed = Item(with_part(base, part), with_seen(base.evidence, file.bytes, source, fmt),
                       (base.private if 'nokeep' not in ABLATED else False) or bool(adopted),
                       base.kin | ({file.stem} if adopted is not None else frozenset()), base.passed)
        # The program also leaves out the HEAD if the recorded version is certainly older by
        # Last-Modified. The model has no times, so a file can get its earlier version again.
        is_new_part = item is not None and was is None
        after = 'source' if is_new_part or 'noverify' in ABLATED else 'verify'
        self.go('i3 put ' + stem, (after, event, file), items={**self.items, stem: indexed})

    def verify(self, file):
        is_same = self.archive.get(self.event) == file
        self.go('i4 HEAD', ('read', self.event) if not is_same else ('source', self.event, file) if file else IDLE)

    def follow_source(self, file):
        stem, fmt = self.event
        is_ours = file.stem == stem
        now = self.sources.get(file.source)
        if is_ours and now is not None and bytes_of(now) != file.bytes and 'nosource' not in ABLATED:
            self.go('i5 follow the source', ('get', self.event, file.source))
        elif is_ours and fmt == 'j' and day_of_stem(stem) != day_of_bytes(file.bytes) and 'nomove' not in ABLATED:
            self.go('i5', ('move', self.event, file))
        else:
            self.go('i5', IDLE)

    # A photo moves to its day.

    def move(self, file):
        stem, fmt = self.event
        parts = tuple((x, bytes_) for x, bytes_, _, _ in live(self.items[stem]))
        is_foreign = any((stem, x) in self.archive and self.archive[(stem, x)].stem != stem for x, _ in parts)
        if is_foreign or (fmt, file.bytes) not in parts:
            self.go('m0 stays', IDLE)
        else:
            self.go('m0 item', ('m1', self.event, parts, 0))

    def m1(self, parts, number):
        stem, item = self.event[0], self.items[self.event[0]]
        bytes_ = dict(parts)[self.event[1]]
        to = names_for(bytes_)[number]
        there = self.items.get(to)
        after = ('m2', self.event, parts, to)
        if there is None:
            claim = Item((), frozenset((x, key, fmt, False) for x, key, fmt, _ in item.evidence),
                         item.private and 'nocarry' not in ABLATED, frozenset({stem}))
            self.go('m1 claim ' + to, after, items={**self.items, to: claim})
        elif (stem in there.kin or is_claimed(there, bytes_)) and not any(
                (to, fmt) in self.archive and self.archive[(to, fmt)].stem != to for fmt, _ in parts):
            self.go('m1 ' + to, after)
        else:
            self.go('m1 not ' + to, ('m1', self.event, parts, number + 1))

    def m2(self, parts, to):
        stem, item = self.event[0], self.items[self.event[0]]
        kin = item._replace(kin=item.kin | {to})
        self.go('m2 %s kin of %s' % (to, stem), ('m2 set', self.event, parts, to, item.private),
                items={**self.items, stem: kin} if 'nokin' not in ABLATED else self.items)

    def m2_set(self, parts, to, private):
        there = self.items[to]
        carried = there._replace(private=there.private or private and 'nocarry' not in ABLATED,
                                 kin=there.kin | {self.event[0]})
        self.go('m2 set', ('m3', self.event, parts, to), items={**self.items, to: carried})

    def m3(self, parts, to):
        stem, archive, copied = self.event[0], dict(self.archive), []
        for fmt, bytes_ in parts:
            file, there = archive.get((stem, fmt)), archive.get((to, fmt))
            is_pinned = file and (file.bytes == bytes_ or 'nopin' in ABLATED)
            if is_pinned and not (there and (there.bytes == bytes_ or there.stem != to)):
                archive[(to, fmt)] = file._replace(stem=to)
                copied.append((to, fmt))
        self.go('m3 COPY to ' + to, ('m4', self.event, parts, to), archive=archive, archive_events=self.notify(*copied))

    def m4(self, parts, to):
        stem, ledger = self.event[0], dict(self.ledger)
        for _, bytes_ in parts:
            for source, (version, at) in self.ledger.items():
                if at == stem and bytes_of(version) == bytes_:
                    ledger[source] = (version, to)
        copies = (self.archive.get((to, fmt)) for fmt, _ in parts)
        is_edited = any(copy and copy.source in self.ledger and bytes_of(self.ledger[copy.source][0]) != copy.bytes
                        for copy in copies)
        self.go('m4 ledger', ('m5', self.event, parts, to), slow=self.s.slow or is_edited,
                ledger=ledger if 'noredirect' not in ABLATED else self.ledger)

    def m5(self, parts, to):
        stem, archive, deleted = self.event[0], dict(self.archive), []
        for fmt, bytes_ in parts:
            file, there = archive.get((stem, fmt)), archive.get((to, fmt))
            is_pinned = file and (file.bytes == bytes_ or 'nopin' in ABLATED)
            if is_pinned and (there and there.bytes == bytes_ or 'nothere' in ABLATED):
                del archive[(stem, fmt)]
                deleted.append((stem, fmt))
        is_edited = any(archive[(stem, fmt)].bytes != bytes_ for fmt, bytes_ in parts if (stem, fmt) in archive)
        self.go('m5 DELETE the old', IDLE, archive=archive, archive_events=self.notify(*deleted),
                slow=self.s.slow or is_edited)


STEPS = {
    'get': Moves.get, 'get after ledger': Moves.get_after_ledger, 'ledger': Moves.read_ledger,
    'known': Moves.known, 'walk': Moves.walk, 'retract': Moves.retract, 'slot': Moves.slot, 'look': Moves.look,
    'record': Moves.record, 'begin': Moves.begin, 'land': Moves.land,
    'read': Moves.read, 'get copy': Moves.get_copy, 'adopt': Moves.adopt, 'put': Moves.put,
    'verify': Moves.verify, 'source': Moves.follow_source,
    'move': Moves.move, 'm1': Moves.m1, 'm2': Moves.m2, 'm2 set': Moves.m2_set, 'm3': Moves.m3,
    'm4': Moves.m4, 'm5': Moves.m5,
}


def find_faults(s):
    """Returns what is wrong in a state: in any state what is public or overwritten, and the rest
    when the script has ended and all work is done."""
    found = []
    for _, item in s.items:
        if not item.private:
            for part in live(item):
                if part[1] in s.hidden:
                    found.append('hidden by hand, and public')
                if part[1] in s.due:
                    found.append('in the place of a hidden photo, and public')
    acts = set(SCRIPT)
    if 'd' in acts and not acts & {'x', 'v', 'w'}:
        drop = SCRIPT.index('d')
        was_first = drop == 0 or SCRIPT[drop - 1] == 'q'
        if was_first and s.step > drop and dict(s.archive).get(JPEG_OF_P, EMPTY)[0] != 'd':
            found.append('a file that is not ours was overwritten')
    if s.step == len(SCRIPT) and is_quiet(s):
        found += find_faults_at_rest(s, acts)
    return found


def find_faults_at_rest(s, acts):
    found = []
    sources, archive, items, ledger = dict(s.sources), dict(s.archive), dict(s.items), dict(s.ledger)
    shown = {(stem, part[0]): part[1] for stem, item in items.items() for part in live(item)}
    if shown != {key: file.bytes for key, file in archive.items()}:
        found.append('catalogue and archive differ')
    here = {file.bytes for file in archive.values()}
    is_dropped_later = 'd' in SCRIPT[1:]
    for source, version in sources.items():
        bytes_ = bytes_of(version)
        if bytes_ in here or bytes_ in s.gone or is_dropped_later:
            continue
        # An edit under another key may have replaced these bytes.
        is_replaced = any(key != source and SHOT[bytes_of(x)] == SHOT[bytes_] and bytes_of(x) in here
                          and FORMAT[key] == FORMAT[source] for key, x in sources.items())
        is_shared = any(x == bytes_ and key != source for item in items.values() for x, key, _, _ in item.evidence)
        if not (is_replaced and is_shared):
            found.append('the source as it is was not archived')
    if 'x' not in acts and not is_dropped_later and s.archived - {SHOT[file.bytes] for file in archive.values()}:
        found.append('a photo that was archived is gone')
    for item in items.values():
        if len({SHOT[part[1]] for part in live(item) if part[1] != 'd'}) > 1:
            found.append('two shots in one record')
    own = [(key, file) for key, file in archive.items() if file.stem == key[0]]
    if len({file.bytes for _, file in own}) < len(own) and not s.slow:
        found.append('equal bytes archived twice')
    if s.removed & here:
        found.append('removed by hand, and back again')
    held = {bytes_of(version) for version in sources.values()}
    for key, file in own:
        found += find_faults_of_copy(s, acts, own, held, key, file)
    raws = [key[0] for key, file in own if file.bytes == 'n']
    jpegs = [key[0] for key, file in own if file.bytes in held and SHOT[file.bytes] == 1 and key[1] == 'j']
    is_split = raws and len(jpegs) == 1 and raws != jpegs and not any(key == (jpegs[0], 'w') for key, _ in own)
    is_allowed = acts & {'v', 'w', 'x'} or 'd' in acts and raws == ['P'] or 'JZ' in acts and SCRIPT[-2:] != ['q', 'JZ']
    if is_split and not is_allowed:
        found.append('a RAW and its JPEG are two photos')
    return found


def find_faults_of_copy(s, acts, own, held, key, file):
    found = []
    now = dict(s.sources).get(file.source)
    if now is not None and file.bytes not in held and SHOT[bytes_of(now)] == SHOT[file.bytes] and not s.slow:
        found.append('a replaced version stays')
    if (now is None and file.bytes not in held and any(act[0] == 'm' for act in acts) and not s.slow
            and any(y != file and SHOT[y.bytes] == SHOT[file.bytes] and x[1] == key[1] for x, y in own)):
        found.append('an edit after a rename makes a second photo')
    if (file.bytes in 'aAZ' and day_of_stem(key[0]) != day_of_bytes(file.bytes) and not acts & {'d', 'v', 'w', 'x'}
            and any(bytes_of(version) == file.bytes and stem == key[0] for _, (version, stem) in s.ledger)):
        found.append('in the folder of another day')
    return found


def run(script, ablations=(), duplicates=1, crashes=1, first=False):
    """Visits all states of a script. Returns {state: (state before, label)} and {fault: state}.
    If `first` is true, stops at the first fault."""
    global SCRIPT, ABLATED
    SCRIPT, ABLATED = script.split(), frozenset(ablations)
    # The states have no cycles of references, and a scan of millions of tuples takes long.
    gc.disable()
    none = frozenset()
    start = State((), 0, (), (), (), (), (), duplicates, crashes, (IDLE, IDLE), (), none, none, none, none, none, None, False)
    visited, todo, faults = {start: None}, [start], {}
    while todo:
        following = []
        for s in todo:
            for label, state in Moves(s).all():
                if state in visited:
                    continue
                visited[state] = (s, label)
                following.append(state)
                for fault in find_faults(state):
                    faults.setdefault(fault, state)
                if faults and first:
                    return visited, faults
        todo = following
    return visited, faults


def trace(visited, state):
    labels = []
    while visited[state]:
        state, label = visited[state]
        labels.append(label)
    return labels[::-1]


def list_scenarios(duplicates, crashes, scripts):
    """Returns a scenario for each of the scripts, which have commas between them."""
    return [(script, duplicates, crashes) for script in scripts.split(',')]


# What is run: a script, duplicate events, crashes. A short run leaves out the large scenarios, which
# have more than 16,000 states.
SMALL = list_scenarios(0, 0, (
    'Ja Nn JA,Ja Nn Jb,Ja Nn q h JZ,Ja q JZ JA,Ja q JZ q JA,Ja q h JZ q JA,Ja q JZ q x,Ja Ma JA,Ja Ma MA,'
    'Ja Jb Ma,Ja Ma Jb,Ja h MA,Ja MA h,Ja Nn Op,Nn Op Ja,Ja Ma -J,Ja mJM,Ja h mJM,Ja q h mJM q MA,'
    'Ja q mJM q h MA q,Ja q v q JA h,Ja q Ma h v,Ja Nn v,d Ja JA,d Ja Ma,d Ja Jb,d Ja h JA,Ja q d q Jo,d Ja q h q x q Ma,'
    'Ja h q d q JA,Ja x Jo,Ja q x q JA,Ja q t Jb,Ja JA q t JA Jb,Ja Nn q t Jb,Ja Jb q t JA')) + list_scenarios(1, 1, (
    'Ja,Ja x,Ja q x,Ja q x q Ma,Ja q x q Jo,Ja q mJM q MA,d Ja,d x,Ja q d,Ja q h d'))
LARGE = list_scenarios(0, 0, (
    'Ja JA Ja,Ja Jb Ja,Ja Jb JA,Ja h Jb JA,Ja h JA Jb,Ja Nn h Jb,Ja Nn JZ,Ja h JZ,Ja q JZ h JA,'
    'Ja Ma h JA,Ja Ma h MA,Ja Ma JA h,Ja Ma JA MB,Ja JA Ma h,Ja JA h Ma,Ja h Ma Jb,Ja Ma h Mb,Ja MZ JZ,'
    'Ja Nn Ma On,Ja v JA,Ja h v JA')) + list_scenarios(1, 1, (
    'Ja JA,Ja Jb,Ja Nn,Ja Ma,Ja h JA,Ja h Jb,Ja h MA,Ja Ma h,Ja q JZ,Ja q h JZ,Ja JZ,Ja h v,Ja v h,'
    'Ja h w,Ja w h,d Ja h,d Ja Nn'))
# What breaks without a step: an ablation, a script, duplicate events, crashes.
ABLATIONS = [
    ('noledger', 'Ja q x', 1, 0), ('nostays', 'Ja q x', 1, 0), ('flagless', 'Ja', 1, 1),
    ('lateledger', 'Ja h JZ', 0, 0), ('noled1', 'Ja q JZ', 1, 0), ('noclaim', 'Ja Jb', 0, 0),
    ('nojoin', 'Ja Nn Op', 0, 0), ('nopair', 'Ja Nn', 0, 0), ('noslot', 'Ja JA Ma', 0, 0),
    ('notakeover', 'Ja q mJM q MA', 0, 0), ('noclaimkey', 'Ja JA Ma', 0, 0), ('nobehalf', 'Ja Ma h JA', 0, 0),
    ('nobeside', 'Ja h Jb', 0, 0), ('nobeside', 'Ja h MA', 0, 0), ('nobring', 'Ja q x q Jo', 0, 0),
    ('noown', 'Ja h JZ', 0, 0), ('nohead', 'd Ja', 0, 0), ('noforeign', 'd Ja', 0, 0),
    ('noretract', 'd Ja q h q x q Ma', 0, 0), ('nounknown', 'Ja q t Jb', 0, 0), ('noarchive', 'Ja', 0, 0), ('norev', 'Ja Nn', 0, 0),
    ('noverify', 'd x', 0, 0), ('notombstone', 'Ja x', 0, 0), ('nosource', 'Ja JA', 0, 0),
    ('nokeep', 'Ja h JA', 0, 0), ('noadopt', 'Ja h v', 0, 0), ('nokin', 'Ja v h', 0, 0),
    ('nowalk', 'Ja v h', 0, 0), ('nomove', 'Ja q JZ', 1, 0), ('nocarry', 'Ja q h JZ', 0, 0),
    ('nopin', 'Ja q JZ JA', 0, 0), ('nocas', 'Ja JZ', 1, 1), ('nolive', 'Ja q t Jb', 0, 0),
    ('nothere', 'Ja h JZ', 0, 0), ('noredirect', 'Ja q JZ q JA', 0, 0), ('getfirst', 'Ja JA', 1, 1),
    ('nomatch', 'Ja JA', 1, 1)]
# The ablations that break nothing. All their states are visited.
NEEDLESS = {'getfirst', 'nomatch'}


def decide_by_table(a, b, same_key, same_bytes, same_picture):
    """The table same_shot for two files. The evidence of a file is its format, folder, time and
    camera model. Time and model may be missing (None)."""
    are_known = a[2] is not None and b[2] is not None
    near = are_known and abs(a[2] - b[2]) <= 2
    far = are_known and not near
    contradict = a[3] is not None and b[3] is not None and a[3] != b[3]
    if same_bytes:
        return 'Same'
    if same_key:
        return 'Same' if not contradict and (near or same_picture) else 'Undecided'
    if contradict:
        return 'Different'
    if a[0] != b[0]:
        return 'Same' if near or a[1] == b[1] and not far else 'Different'
    return 'Different' if far else 'Undecided'


def check_table():
    """Checks the table for all pairs of files. Returns their number."""
    number = 0
    files = [(fmt, folder, at, model) for fmt in 'jw' for folder in '12' for at in (None, 0, 2, 9)
             for model in (None, 'x', 'y')]
    flags = [(key, bytes_, picture) for key in (False, True) for bytes_ in (False, True) for picture in (False, True)]
    for a in files:
        for b in files:
            contradict = None not in (a[3], b[3]) and a[3] != b[3]
            has_times = None not in (a[2], b[2])
            far = has_times and abs(a[2] - b[2]) > 2
            for same_key, same_bytes, same_picture in flags:
                number += 1
                answer = decide_by_table(a, b, same_key, same_bytes, same_picture)
                assert answer == decide_by_table(b, a, same_key, same_bytes, same_picture), (a, b)
                if answer == 'Same' and not same_bytes:
                    assert not contradict, (a, b)               # two bodies are never one photo
                    assert same_key or a[0] != b[0], (a, b)     # another key replaces no file of its format
                    assert not far or same_picture and same_key, (a, b)         # nor does a reused name
                    assert same_picture or has_times or not same_key, (a, b)
                if same_key:
                    # So a newcomer under the key of a hidden photo is always hidden.
                    assert answer != 'Different', (a, b)
    return number


def describe(visited, faults):
    return [(fault, trace(visited, state)) for fault, state in faults.items()]


def run_scenario(scenario):
    began = time.time()
    visited, faults = run(scenario[0], (), scenario[1], scenario[2])
    return scenario, len(visited), describe(visited, faults), time.time() - began


def run_ablation(ablation):
    visited, faults = run(ablation[1], (ablation[0],), ablation[2], ablation[3], first=True)
    return ablation, describe(visited, faults)


def check_all(short):
    began, total, failed = time.time(), 0, 0
    print('same_shot: %d pairs, symmetric, and nothing is overwritten without a sign' % check_table())
    chosen, ablations = SMALL + LARGE, ABLATIONS
    if short:
        chosen = SMALL
        ablations = [ablation for ablation in ABLATIONS if ablation[0] not in NEEDLESS]
    with Pool(os.cpu_count() or 2) as pool:
        for (script, duplicates, crashes), states, faults, seconds in pool.imap(run_scenario, chosen):
            total += states
            failed += bool(faults)
            print('%-20s duplicates %d crashes %d %8d states %5.1f s%s' % (
                script, duplicates, crashes, states, seconds, ' BAD' if faults else ''), flush=True)
            for fault, labels in faults:
                print('    %s: %s' % (fault, ' > '.join(labels)))
        print('%d scenarios, %d states, %d scenarios bad, %.0f s' % (
            len(chosen), total, failed, time.time() - began), flush=True)
        for (name, script, _, _), faults in pool.imap(run_ablation, ablations):
            is_expected = bool(faults) != (name in NEEDLESS)
            failed += not is_expected
            result = '; '.join('%s (%d steps)' % (fault, len(labels)) for fault, labels in faults) or 'nothing'
            print('without: %-12s %-16s %s%s' % (name, script, result, '' if is_expected else ' NOT EXPECTED'), flush=True)
            if '-v' in sys.argv:
                for _, labels in faults:
                    print('    ' + ' > '.join(labels))
    print('%d ablations, %.0f s in all' % (len(ablations), time.time() - began))
    return bool(failed)


def check_script(arguments):
    counts = {'d': 1, 'c': 1}
    for text in [x for x in arguments if x[:2] in ('-d', '-c')]:
        arguments.remove(text)
        counts[text[1]] = int(text[2:])
    began = time.time()
    visited, faults = run(arguments[0], arguments[1:], counts['d'], counts['c'])
    print('%d states, %.1f s' % (len(visited), time.time() - began))
    for fault, labels in describe(visited, faults):
        print('BAD %s: %s' % (fault, ' > '.join(labels)))
    return bool(faults)


if __name__ == '__main__':
    given = [x for x in sys.argv[1:] if x != '-v']
    sys.exit(check_script(given) if given and given != ['--short'] else check_all('--short' in given))
