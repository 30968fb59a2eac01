# SPDX-License-Identifier: MIT
"""The invariant behind every claim that the daemon publishes, checked on what a whole test saw.

A claim is a record with the state protected, relaxed or quarantined, or with swiotlb = skip. Each
one that is committed must rest on an answer of the hypervisor

- that was given in the same pass: after the last xc_physinfo, with which a pass begins, and before
  the commit was sent; of several the last one counts;
- that was not made up by the rig (an injected error proves nothing);
- that fits the owner whom the claim is about: a function of dom0's or of nobody's is free, anything
  of a guest's is taken, and so is a device tree node of dom0's;
- and that was true: this owner really had the device at that moment.

A record in the host's tree names device and owner itself. One in a guest's tree is about a device
at the guest's own address: about any of those that XenStore gave the daemon for this address, of
which one must be this guest's own. What stands in a guest's tree is also said to this very guest:
if another domain got its number after the answer, the answer was not about the one that reads it.
There is one exception, for quarantined alone, since Xen has no question that tells what it keeps for
nobody from what is dom0's: the claim is libxl's word, which Xen does not contradict. libxl gives that
word, pciback and its record, before it has Xen take the device from dom0, and leaves no sign of that
last step. So the true owner may be dom0 while pci-assignable-add of this very device goes on: from
when it is about to be bound to pciback until Xen has it for nobody, which has to be what comes next.
The other way round, pci-assignable-remove gives the device to dom0 before it unbinds it: what stands
then may stand (see below), but nothing may be claimed anew.
At no moment between the beginning of the pass and the commit may the device have been in a split
group throughout: one domain's mapping serves it and its mates.

No answer is needed for a claim that stands already and is only written once more, as when a tree is
started anew: the same connection has published it, it was not weakened or removed since, and the
tree is still the same domain's. A new connection means that the daemon or xenstored began anew,
and what was published before counts for nothing.
"""
import bisect
import re
import typing

from tap import commits_of
import xenstore

STATES = ('protected', 'relaxed', 'quarantined')
PASS_BEGINS = 'xc_physinfo'
QUESTIONS = {'pci': 'xc_test_assign_device', 'dt': 'xc_test_assign_dt_device'}
FREE, TAKEN = '0', 'EINVAL'

RECORD = re.compile(r'(?P<tree>/tool/xen-iommud|/local/domain/(?P<domid>\d+)/iommu)'
                    r'/(?P<bus>pci|dt)/(?P<name>.+)')
SLOT = re.compile(r'/local/domain/\d+/backend/pci/(?P<dir>\d+/\d+)/(?P<what>dev|vdev|vdevfn)-'
                  r'(?P<index>\d+)')
VDEV = re.compile(r'([0-9a-f]{4}):([0-9a-f]{2}):([0-9a-f]{2})\.0?([0-7])')


class Claim(typing.NamedTuple):
    state: str  # '' for none of those that are claims
    skip: bool
    owner: str  # a domid, 'none', or something else that cannot be

    def is_covered_by(self, other):
        """Whether the other one says at least as much."""
        return (other is not None and self.owner == other.owner and
                self.state in ('', other.state) and other.skip >= self.skip)


class Standing(typing.NamedTuple):
    connection: int
    incarnation: typing.Optional[str]
    claim: Claim


def check(case, requests):
    """Fails the test case for every claim among these requests that was not true."""
    found = Truth(case.hypervisor, case.host.bridges).violations(requests)
    case.assertFalse(found, 'claims that rest on nothing:\n' + '\n'.join(found))


class Truth:
    def __init__(self, hypervisor, bridges):
        self.hypervisor = hypervisor
        self.bridges = bridges
        self.calls = sorted(hypervisor.calls(), key=lambda call: call.at)
        self.times = [call.at for call in self.calls]
        self.passes = {}     # (bus, time) -> what _answers() found
        self.records = {}    # path -> fields
        self.standing = {}   # path -> Standing
        self.slots = {}      # (backend directory, index) -> {'dev': …, 'vdev': …}
        self.grouped = {device for device, log in hypervisor.placed.items()
                        if any(group for _, group in log.values)}

    def violations(self, requests):
        """What was claimed without right, as sentences, in order."""
        found, read = [], 0
        for commit in commits_of(requests):
            for request in requests[read:commit.position]:
                self._note_slot(request)
            read = commit.position
            for path in self._apply(commit.changes):
                problem = self._judge(path, commit)
                if problem:
                    said = ' '.join(f'{name}={value}' for name, value in self.records[path].items()
                                    if name in ('state', 'swiotlb', 'reason', 'owner'))
                    found.append(f'{path}: {said}: {problem}')
        return found

    # what is published

    def _apply(self, changes):
        """Keeps the records as they are after a commit. Returns those that it wrote."""
        touched = set()
        for change in changes:
            if change.what == 'rm':
                self._remove(change.path)
            elif change.what == 'write':
                record, _, field = change.path.rpartition('/')
                if RECORD.fullmatch(record):
                    self.records.setdefault(record, {})[field] = change.value
                    touched.add(record)
        for path in list(self.standing):
            if path not in self.records:
                del self.standing[path]
        return sorted(path for path in touched if path in self.records)

    def _remove(self, path):
        for record in [r for r in self.records if (r + '/').startswith(path + '/')]:
            del self.records[record]
        record, _, field = path.rpartition('/')
        self.records.get(record, {}).pop(field, None)

    def _claim(self, path):
        """What a record claims, or None."""
        fields, match = self.records[path], RECORD.fullmatch(path)
        state, skip = fields.get('state'), fields.get('swiotlb') == 'skip'
        if state not in STATES and not skip:
            return None
        owner = fields.get('owner', '') if match['domid'] is None else match['domid']
        return Claim(state if state in STATES else '', skip, owner)

    def _judge(self, path, commit):
        """Whether a record may be as it is now. Returns what is wrong, or None."""
        claim, domid = self._claim(path), RECORD.fullmatch(path)['domid']
        if claim is None:
            self.standing.pop(path, None)
            return None
        now = Standing(commit.connection,
                       domid and self.hypervisor.incarnation(int(domid), commit.sent), claim)
        before = self.standing.get(path)
        self.standing[path] = now
        if before and before[:2] == now[:2] and claim.is_covered_by(before.claim):
            return None
        return self._lacks_evidence(path, claim, now, commit)

    # what it rests on

    def _lacks_evidence(self, path, claim, now, commit):
        answers, begin = self._answers(RECORD.fullmatch(path)['bus'], commit.sent)
        devices = self._devices(path, claim, answers)
        problems = [self._misses(answers.get(device), claim, now) or
                    self._is_split(device, claim, begin, commit.sent) for device in devices]
        if any(problem is None for problem in problems):
            return None
        told = '; '.join(f'{device}: {problem}' for device, problem in zip(devices, problems))
        return f'{told or "no device is known there"} (committed at {commit.sent})'

    def _answers(self, bus, moment):
        """The last answer about each device in the pass that goes on at a moment, and when that
        pass began."""
        if (bus, moment) in self.passes:
            return self.passes[bus, moment]
        answers, begin = {}, 0
        end = bisect.bisect_left(self.times, moment)
        first = end
        while first and begin == 0:
            first -= 1
            if self.calls[first].name == PASS_BEGINS:
                begin = self.times[first]
        for call in self.calls[first:end]:
            if call.name == QUESTIONS[bus] and call.result != 'held':
                answers[call.what] = call
        self.passes[bus, moment] = answers, begin
        return answers, begin

    def _devices(self, path, claim, answers):
        """The host's names of what a record may be about."""
        match = RECORD.fullmatch(path)
        if match['bus'] == 'dt':
            # A guest's tree has names of its own: which one is which cannot be told from here.
            return [decode(match['name'])] if match['domid'] in (None, '0') else \
                [call.what for call in answers.values() if call.owner == claim.owner]
        address = address_of(match['name'])
        if match['domid'] in (None, '0'):
            return [address]
        return sorted({slot['dev'] for slot in self.slots.values()
                       if slot.get('dev') and address in guest_addresses(slot)})

    def _misses(self, answer, claim, now):
        """What an answer lacks to bear a claim out, or None."""
        if answer is None:
            return 'not asked in this pass'
        if answer.injected or not (fits(answer, claim.owner) or
                                   self._is_being_added(answer, claim)):
            return f'the last answer was {describe(answer)}'
        if now.incarnation:
            asked_of = self.hypervisor.incarnation(int(claim.owner), answer.at)
            if asked_of not in (None, now.incarnation):
                return f'another domain had that number at the answer {describe(answer)}'
        return None

    def _is_being_added(self, answer, claim):
        """Whether libxl was about to have Xen quarantine what the answer was about, and did so."""
        adding = self.hypervisor.adding.get(answer.what)
        return (claim.owner == 'none' and answer.name == QUESTIONS['pci'] and
                answer.result == FREE and answer.owner == '0' and
                adding is not None and True in adding.within(answer.asked, answer.at) and
                self.hypervisor.placed[answer.what].next_after(answer.asked, '0') == 'io')

    def _is_split(self, device, claim, begin, end):
        """Whether some mate was another domain's all the time."""
        if device not in self.grouped or device in self.bridges:
            return None
        moments = {begin, end}
        for other in self.grouped:
            log = self.hypervisor.placed[other]
            moments.update(moment for moment in log.times if begin < moment < end)
            moments.update(log.hidden(begin, end))
        apart = [self._strangers(device, claim.owner, moment) for moment in moments]
        return f'shares a requester ID with {apart[0]}' if all(apart) else None

    def _strangers(self, device, owner, moment):
        """The mates that are some other domain's at a moment."""
        placed = {other: self.hypervisor.placed[other].at(moment) for other in self.grouped}
        group = placed[device] and placed[device][1]
        return [other for other, at in placed.items()
                if group and at and at[1] == group and other != device and
                other not in self.bridges and at[0].isdecimal() and at[0] != owner]

    def _note_slot(self, request):
        """Keeps what the daemon was told of the guests' addresses."""
        match = SLOT.fullmatch(request.path) if request.kind == xenstore.READ else None
        if match:
            slot = self.slots.setdefault((match['dir'], match['index']), {})
            slot[match['what']] = None if request.error else request.answer.decode('latin-1')


def describe(answer):
    return (f'{answer.result}{" (injected)" if answer.injected else ""}, the true owner '
            f'{answer.owner}, at {answer.at}')


def fits(answer, owner):
    """Whether an answer bears out that this owner's device is confined, and was true."""
    if owner == 'none':
        return answer.result == FREE and answer.owner == 'io' and answer.name == QUESTIONS['pci']
    if owner == '0' and answer.name == QUESTIONS['pci']:
        return answer.result == FREE and answer.owner == '0'
    return answer.result == TAKEN and answer.owner == owner and owner.isdecimal()


def address_of(name):
    """'0000-00-04-0' -> '0000:00:04.0'"""
    return '{}:{}:{}.{}'.format(*name.split('-'))


def guest_addresses(slot):
    """Under which addresses a guest may see what a slot of its backend names."""
    found = set()
    match = VDEV.fullmatch(slot.get('vdev') or '')
    if match:
        found.add('{}:{}:{}.{}'.format(*match.groups()))
    if re.fullmatch('[0-9a-f]{1,2}', slot.get('vdevfn') or ''):
        devfn = int(slot['vdevfn'], 16)
        found.add(f'0000:00:{devfn >> 3:02x}.{devfn & 7}')
    return found


def decode(name):
    """The device tree path that a record's name stands for."""
    return '/' + re.sub('_([0-9a-f]{2})', lambda match: chr(int(match[1], 16)), name)
