#!/usr/bin/env python3
"""Checks the ingest protocol (docs/ingest-protocol.md) exhaustively.

The property is: the archive follows the source, and the catalogue follows the archive.

The model has two workers, a crash at any step, duplicate and reordered events, and copies that arrive
later than their condition was checked. The letters of a script are object versions (ETag and
Last-Modified), so no two writes are equal:

  a  a shot is uploaded under the source key J
  A  an edit of it is uploaded under J
  b  another shot of the same day and name is uploaded under J
  n  a second file, N, of the first shot is uploaded
  d  a photo is dropped into the archive by hand
  x  a copy is removed by hand

Usage: ingest_protocol.py [script...] [ablation...]

Scripts are those of SCRIPTS and OPEN. The model prints the number of states and every bad end state.
It exits with 1 if there is one. All scripts together have 2,723,049 states, none bad (under 6
minutes).

An ablation leaves out one step, to show what breaks without it:

  nosource, nohead        an edit is not archived
  noforeign               a photo that was in the archive before this program is overwritten
  noclaim                 one photo overwrites another
  norev                   a part of a shot is lost from its record
  noverify, notombstone   catalogue and archive differ
  noarchive               most properties fail
  noledger                a removed photo comes back
  takeover                one photo is archived twice (a file dropped by hand takes over a claimed name)
  nomatch                 nothing: the condition of the copy only saves work, so a store may ignore it
"""
import sys
from multiprocessing import Pool
ab = set(sys.argv[1:])
SHOT = {'a': 1, 'A': 1, 'n': 1, 'b': 2, 'd': 0}      # content -> shot, which is the owner (folder, stem, capture time, body); 0: by hand
FILE = {'a': 'J', 'A': 'J', 'b': 'J', 'n': 'N', 'd': 'J'}
SCRIPTS = ['aA', 'nd', 'ab', 'an', 'da', 'ax', 'dx', 'aAb', 'anA', 'axA', 'dab', 'dxa', 'anx']
OPEN = ['nda', 'dan']                                 # bad, and described in docs/guarantees.md: run only if named
IDLE = ('idle',)
def tup(d): return tuple(sorted(d.items(), key=str))
def run(script, dups=1, crashes=1):
    # sources, (script index, archived ever, removed when settled), archive {(stem,file): content}, items {stem: (owner, revision, parts)},
    # ledger {file: content}, source events {file: n}, archive events {(stem,file): n}, dups, crashes, workers,
    # copies whose worker died before they landed
    start = ((), (0, (), ()), (), (), (), (), (), dups, crashes, (IDLE, IDLE), ()); seen = {start}; stack = [start]; bad = {}
    while stack:
        s = stack.pop(); out = []
        S, A, I, L, E, V = (dict(s[j]) for j in (0, 2, 3, 4, 5, 6)); (i, ever, settled), dup, crash, ws, late = s[1], s[7], s[8], s[9], s[10]
        def add(S=S, i=i, settled=settled, A=A, I=I, L=L, E=E, V=V, dup=dup, crash=crash, ws=ws, late=late):
            if max((v[1] for v in I.values()), default=0) > 8: return
            e = tuple(sorted(set(ever) | {SHOT[c] for c in A.values()}))
            out.append((tup(S), (i, e, settled), tup(A), tup(I), tup(L), tup({k: n for k, n in E.items() if n}), tup({k: n for k, n in V.items() if n}), dup, crash, tuple(sorted(ws, key=str)), late))
        plus = lambda d, k, n=1: {**d, k: d.get(k, 0)+n}
        notify = lambda k: V if 'noarchive' in ab else plus(V, k)
        quiet = not E and not V and not late and all(x == IDLE for x in ws)
        if i < len(script):
            c = script[i]; k = ('K', 'J')
            if c == 'x' and k in A: add(i=i+1, A={x: v for x, v in A.items() if x != k}, V=notify(k), settled=(A[k],) if quiet else ())
            elif c == 'x': add(i=i+1)
            elif c == 'd': add(i=i+1, A={**A, k: c}, V=notify(k))
            else: add(S={**S, FILE[c]: c}, i=i+1, E=plus(E, FILE[c]))
        for c, stem in late: add(late=(), A={**A, (stem, FILE[c]): c}, V=notify((stem, FILE[c])))
        if dup:
            for f in S: add(E=plus(E, f), dup=dup-1)
            for k in A: add(V=plus(V, k), dup=dup-1)
        for w in range(2):
            t = ws[w]; pc = t[0]
            def go(nw, **kw): x = list(ws); x[w] = nw; add(ws=x, **kw)
            if pc == 'idle':
                for f in E: go(('get', f, f), E=plus(E, f, -1))
                for k in V: go(('read', k), V=plus(V, k, -1))
                continue
            ev = t[1]                                                       # the event in work, which a crash returns
            if crash: go(IDLE, crash=crash-1, **(dict(E=plus(E, ev)) if isinstance(ev, str) else dict(V=plus(V, ev))))
            if crash and pc == 'land': go(IDLE, crash=crash-1, late=(t[2:],), **(dict(E=plus(E, ev)) if isinstance(ev, str) else dict(V=plus(V, ev))))
            if pc == 'get': go(('claim', ev, S[t[2]], 'K'))                 # organise 1: ranged GET of the source in its present state
            elif pc == 'claim':                                             # organise 2: conditional put of a stub
                c, stem = t[2:]; o = I.get(stem)
                if o is None or 'noclaim' in ab: go(('look', ev, c, stem), I=I if o else {**I, stem: (SHOT[c], 0, ())})
                elif o[0] == SHOT[c]: go(('look', ev, c, stem))
                else: go(('claim', ev, c, 'K%d' % SHOT[c]))
            elif pc == 'look':                                              # organise 3: HEAD of the archive key, and the ledger
                c, stem = t[2:]; h = A.get((stem, FILE[c])); known = L.get(FILE[c]) == c and 'noledger' not in ab
                if h == c and 'nohead' not in ab: go(('note', ev, c))
                elif 'nohead' in ab and known: go(IDLE)
                elif h is None and known: go(IDLE)                          # these bytes were archived, and removed by hand: they stay removed
                elif h and SHOT[h] != SHOT[c] and 'noforeign' not in ab:    # a foreign file: the name belongs to it
                    o = I[stem]; go(('claim', ev, c, 'K%d' % SHOT[c]), I={**I, stem: (SHOT[h], o[1]+1, o[2])} if o[0] == SHOT[c] and not any(x and x != 'd' for _, x in o[2]) else I)
                else: go(('begin', ev, c, stem))
            elif pc == 'begin':                                             # organise 4: CopyObject; its condition is checked …
                c, stem = t[2:]; go(('land', ev, c, stem) if S[FILE[c]] == c or 'nomatch' in ab else ('get', ev, FILE[c]))
            elif pc == 'land':                                              # … and it arrives later
                c, stem = t[2:]; k = (stem, FILE[c]); go(('note', ev, c), A={**A, k: c}, V=notify(k))
            elif pc == 'note': c = t[2]; go(IDLE, L={**L, FILE[c]: c})      # organise 5: the ledger
            elif pc == 'read': k = ev; go(('iget', ev, I.get(k[0], (None, None, ()))))          # index 1: consistent read of the item
            elif pc == 'iget': go(('put', ev, t[2], A.get(ev)))             # index 2: ranged GET of the copy in its present state
            elif pc == 'put':                                               # index 3: IF revision = the one read (or absent)
                k = ev; o, c = t[2:]                                    # o: the item that was read; all of it is written again
                if I.get(k[0], (None, None, ()))[1] != o[1] and 'norev' not in ab: go(('read', ev))
                else:
                    p = dict(o[2]); was = p.get(k[1], '?')
                    if was == c: go(('source', ev, c))
                    elif c is None and o[1] is None: go(IDLE)                   # gone, and never in the item: nothing to write
                    elif c is None and 'notombstone' in ab: p.pop(k[1], None); go(IDLE, I={**I, k[0]: (o[0], o[1], tup(p))} if o[1] is not None else I)
                    else:
                        live = any(x for f, x in p.items() if f != k[1]); owner = (o[0] if live or not c or c == 'd' and o[0] and 'takeover' not in ab else SHOT[c]) or 0; p[k[1]] = c
                        go(('source', ev, c) if 'noverify' in ab or was == '?' and o[1] is not None else ('verify', ev, c), I={**I, k[0]: (owner, (o[1] or 0)+1, tup(p))})
            elif pc == 'verify': go(('source', ev, t[2]) if A.get(ev) == t[2] else ('read', ev))   # index 4: HEAD: unchanged? (not for a part that is new to the item)
            elif pc == 'source':                                            # index 5: HEAD of its source; if it has other bytes, organise it
                c = t[2]; f = FILE[c] if c else None
                go(('get', ev, f) if c and c != 'd' and S[f] != c and 'nosource' not in ab else IDLE)
        if quiet and i == len(script):
            P = {(st, f): c for st, o in I.items() for f, c in o[2] if c}
            if P != A: bad.setdefault('catalogue and archive differ', s)
            if 'x' not in script:
                if set(S.values()) - set(A.values()): bad.setdefault('the present source was not archived', s)
                if set(ever) - {SHOT[c] for c in A.values()}: bad.setdefault('a photo that was archived is gone', s)
            if any(SHOT[c] != o[0] for st, o in I.items() for _, c in o[2] if c and c != 'd'): bad.setdefault('two shots in one record', s)
            if len({(SHOT[c], f) for (st, f), c in A.items()}) < len(A): bad.setdefault('one photo archived twice', s)
            if set(settled) & set(A.values()): bad.setdefault('removed by hand, and back again', s)
        for x in out:
            if x not in seen: seen.add(x); stack.append(x)
    return script, len(seen), sorted(bad.items())
if __name__ == '__main__':
    total = 0; worst = {}
    with Pool(2) as pool:
        for sc, n, bad in pool.imap_unordered(run, sorted([x for x in SCRIPTS + OPEN if x in ab] or SCRIPTS, key=len, reverse=True)):
            total += n
            for k, st in bad:
                worst.setdefault(k, []).append('>'.join(sc))
                if '-v' in sys.argv: print(k, sc, st)
    print(total, 'states;', 'no bad state' if not worst else '; '.join('%s (%s)' % (k, ', '.join(sorted(v))) for k, v in sorted(worst.items())))
    sys.exit(bool(worst))
