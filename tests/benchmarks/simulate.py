"""Half a year of weekly issues for invented readers: `python tests/benchmarks/simulate.py [--out DIR]`.

Does quality rise with feedback, do small interests survive, does nothing come twice? Two newsletters run side by side
through the real engine, with the same papers, the same readers and the same chance: in the one, votes reach the
selector; in the other, the control, they are kept and never do. With --out DIR, both databases, a configuration for
`newsletter --config DIR/newsletter.toml`, and the charts stay in DIR. Exit code 1 when any paper came twice.

Papers are stirred from the sentences and title words of the seeds: most of a paper is of one sub-topic, the rest of
its neighbours, so that topics overlap. What a reader asks for names topics only. What they do not say, and only their
votes can tell: in each topic one sub-topic that they love and one that leaves them cold, and one of the FLAVOURS.

True nDCG@10 takes the reader's latent affinity for each pick, beside the best ten of the week's papers. It is known
here and nowhere else; `newsletter evaluate`, printed at the end, has to do with votes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from newsletter.cli import main as newsletter
from newsletter.config import Settings, resource
from newsletter.engine import Engine, make_engine
from newsletter.store import Named, Store
from newsletter.testing import NOON, Clock, MemoryTransport
from newsletter.types import Entry, Interest, Profile, Status, Subscriber, Verb

DEPTH = 10
BLOCK = 4  #: weeks in a line of the result

#: Topic → sub-topic → seeds. The labels of tests/data/seed_topics.json, with its "other" in two.
TOPICS: Mapping[str, Mapping[str, str]] = {
    "diffusion": {
        "video": "slowfast-vgen adaspa efficient-vdit streamlined-inference follow-your-click",
        "pruning": "a-sdm-redundancy-removal a-sdm-model-assembly faster-diffusion temporal-feature-matters "
        "autodiffusion region-adaptive-sampling pcpp",
        "few steps": "sana-sprint dpm-ot rectified-diffusion hipa",
        "control": "fastcomposer easycontrol sadm diffrhythm",
    },
    "architecture": {
        "attention": "io-complexity-of-attention flashattention hilo-attention foundation-model-differences "
        "self-attention-dynamical-system deepspeed-inference",
        "sequences": "mamba flashrnn flashfftconv train-your-hippo mambamixer",
        "lean vision": "hyperzzw multigrid-video-training efficientformer convnet-efficiency one-timestep-snn "
        "ninformer efficient-track-anything",
    },
    "physics": {
        "solvers": "insr-pde sinenet temporal-stencil-modeling contact-mesh-transformer ifactformer-m",
        "turbulence": "turbulent-interfaces relativistic-magnetic-turbulence three-body-time-stepping",
        "engineering": "gas-chromatograph diffusion-couple tap-reactor",
    },
    "vision": {
        "medicine": "mamba-medical-survey reconresnet interformer",
        "scenes": "progressive-volume-distillation mixvoxels persistent-transient-duality",
    },
    "language": {"reasoning": "hdflow slow-perception", "data": "tabpfn-engineering currency-network"},
}
HOME = {sub: topic for topic, subs in TOPICS.items() for sub in subs}
PAPERS = {"diffusion": 0.30, "architecture": 0.26, "physics": 0.18, "vision": 0.14, "language": 0.12}
CATEGORY = {
    "diffusion": "cs.CV",
    "architecture": "cs.LG",
    "physics": "physics.comp-ph",
    "vision": "cs.CV",
    "language": "cs.CL",
}
#: What a reader writes into the form: the topic, none of its sub-topics.
ASKED = {
    "diffusion": ("diffusion models", "generation"),
    "architecture": ("neural network architectures", "efficient transformers"),
    "physics": ("physics", "simulation", "flow"),
    "vision": ("images", "scenes", "segmentation"),
    "language": ("language models", "problems", "tabular data"),
}
TASTES = ((6, 2), (4, 4), (5, 3, 2))  #: weights of a reader's topics
#: A sentence that a paper of any topic may hold, in several words; a reader loves one of these.
FLAVOURS = {
    "open": ("Code and weights are open source.", "The authors release all code, weights and logs."),
    "theory": ("A theorem bounds the error in the worst case.", "The proof gives a tight bound on the error."),
    "devices": ("It runs on a phone within its battery.", "On a phone it needs little battery."),
    "people": ("A study with forty participants confirms it.", "Participants of a user study prefer the results."),
    "benchmark": ("A new public benchmark comes with it.", "The benchmark is public, with a leaderboard."),
    "survey": ("The survey reviews two hundred works.", "Two hundred earlier works are reviewed."),
}
LOVED, LIKED, COLD = 0.85, 0.4, 0.1  #: affinity for a sub-topic of one's own topics; for those of others it is 0
FLAVOUR = 0.15
NOISE = 0.12  #: of a reader's judgement, a standard deviation
WELCOME, UNWELCOME = 0.6, 0.2  #: affinity from which a reader may vote for, and below which against
FALL_SILENT = 0.15  #: share of the readers


@dataclass(frozen=True, slots=True)
class Paper:
    """An entry, and what it truly is."""

    entry: Entry
    sub: str
    blend: Mapping[str, float]  #: sub-topic → share of the sentences
    flavour: str


@dataclass(frozen=True, slots=True)
class Person:
    """A reader, and what they truly like."""

    name: str
    weights: Mapping[str, int]  #: topic → weight, largest first
    likes: Mapping[str, float]  #: sub-topic → affinity
    flavour: str
    attention: float  #: how often they read their mail
    silent: int  #: from this week on they vote no more

    @property
    def profile(self) -> Profile:
        """What the newsletter is told."""
        interests = (Interest(topic, weight, ASKED[topic]) for topic, weight in self.weights.items())
        return Profile(interests=tuple(interests), size=DEPTH)

    def affinity(self, paper: Paper) -> float:
        """0..1"""
        liking = sum(share * self.likes.get(sub, 0.0) for sub, share in paper.blend.items())
        return min(1.0, liking + FLAVOUR * (liking > 0 and paper.flavour == self.flavour))


@dataclass(slots=True)
class Score:
    """Sums over editions of one arm and block of weeks."""

    editions: int = 0
    quality: float = 0.0  #: true nDCG@10
    unequal: int = 0  #: editions of readers with a topic that weighs least
    minority: float = 0.0  #: its real share beside the fair one
    votes: int = 0
    repeats: int = 0

    def row(self) -> tuple[str, str, str, str]:
        quality = self.quality / max(self.editions, 1)
        minority = self.minority / max(self.unequal, 1)
        return f"{quality:.3f}", f"{minority:.2f}", str(self.votes), str(self.repeats)


class Corpus:
    """Sentences and title words of the seeds, by sub-topic."""

    def __init__(self) -> None:
        lines = (resource("seeds") / "papers.jsonl").read_text("utf-8").splitlines()
        seeds = {row["id"]: row for row in map(json.loads, lines)}
        members = {sub: ids.split() for subs in TOPICS.values() for sub, ids in subs.items()}
        self.titles = {sub: [seeds[seed]["title"].split() for seed in ids] for sub, ids in members.items()}
        self.sentences = {
            sub: [part for seed in ids for part in re.split(r"(?<=[.;])\s+", seeds[seed]["abstract"])]
            for sub, ids in members.items()
        }
        self.words = {sub: " ".join(some).split() for sub, some in self.sentences.items()}

    def paper(self, chance: Random, number: int, week: int) -> Paper:
        """One of a week's papers: mostly of one sub-topic, published in the days before the issue."""
        topic = chance.choices([*PAPERS], [*PAPERS.values()])[0]
        sub = chance.choice([*TOPICS[topic]])
        parts = [self._source(chance, sub) for _ in range(chance.randint(4, 6))]
        parts[0] = sub
        flavour = chance.choice([*FLAVOURS]) if chance.random() < 0.6 else ""
        text = [self._stirred(chance, chance.choice(self.sentences[part]), sub) for part in parts]
        text += [chance.choice(FLAVOURS[flavour])] if flavour else []
        entry = Entry(
            id=f"sim-{week:02}-{number:03}",
            title=self._title(chance, sub),
            abstract=" ".join(text),
            url=f"https://papers.example.org/{week}/{number}",
            authors=(f"{chance.choice('ABCDEFGH')}. Author{chance.randint(1, 400)}",),
            published=_monday(week) - timedelta(hours=chance.randint(12, 160)),
            source="simulated",
            topics=(CATEGORY[topic],),
            votes=int(chance.lognormvariate(2, 1)),
            comments=int(chance.lognormvariate(0.5, 1)),
        )
        return Paper(entry, sub, {part: times / len(parts) for part, times in Counter(parts).items()}, flavour)

    def _source(self, chance: Random, sub: str) -> str:
        """Where a sentence comes from: here, next door, anywhere."""
        near = [*TOPICS[HOME[sub]]]
        return chance.choices([sub, chance.choice(near), chance.choice([*HOME])], [72, 18, 10])[0]

    def _stirred(self, chance: Random, sentence: str, sub: str) -> str:
        """Some words are lost, others are taken from elsewhere in the sub-topic."""
        kept = (word for word in sentence.split() if chance.random() > 0.05)
        return " ".join(chance.choice(self.words[sub]) if chance.random() < 0.12 else word for word in kept)

    def _title(self, chance: Random, sub: str) -> str:
        name = "".join(chance.choice(("ka", "ve", "ro", "li", "mu", "ter", "xo", "ni")) for _ in range(3)).title()
        other = chance.choice([*TOPICS[HOME[sub]]])
        first, second = chance.choice(self.titles[sub]), chance.choice(self.titles[other])
        return " ".join([f"{name}{chance.randint(2, 99)}:", *_stretch(chance, first, 5), *_stretch(chance, second, 3)])


def make_control(settings: Settings, store: Store, clock: Clock) -> Engine:
    """The control: votes are kept, and no paper is known and no signal given because of them."""
    engine = make_engine(settings, store, MemoryTransport(), clock)
    readers: Any = engine.readers
    readers.with_signals = lambda people, *_, **__: [*people]
    readers._voted = lambda *_: set()
    return engine


@dataclass(slots=True)
class Arm:
    """One of the two newsletters."""

    engine: Engine
    clock: Clock
    numbers: Mapping[str, int] = field(default_factory=dict)  #: a reader's name → their number
    had: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  #: what came so far
    scores: defaultdict[int, Score] = field(default_factory=lambda: defaultdict(Score))  #: by block of weeks

    def enrol(self, people: Sequence[Person]) -> None:
        store, now = self.engine.store, self.clock()
        fresh = (
            Subscriber(0, f"{reader.name}@example.org", reader.name, Status.ACTIVE, reader.profile) for reader in people
        )
        self.numbers = {person.name: store.subscribers.add(person, "simulated", now).id for person in fresh}

    async def week(self, week: int, people: Sequence[Person], papers: Mapping[str, Paper], seed: int) -> None:
        """An issue goes out on Monday; on Tuesday some readers say what they think of it."""
        self.clock.now = _monday(week)
        mails, score = await self._mailed(papers), self.scores[week // BLOCK]
        self.clock.forward(days=1)
        for person in people:
            picks = mails[person.name]
            self._judge(person, picks, papers, score)
            for entry, verb in opinions(person, picks, week, seed):
                self.engine.subscriptions.vote(self.numbers[person.name], entry, verb)
                score.votes += 1

    async def _mailed(self, papers: Mapping[str, Paper]) -> dict[str, list[Paper]]:
        """Plan and send this week's issue; reader → picks, as they were kept."""
        found = [Named(paper.entry, (paper.entry.id,)) for paper in papers.values()]
        self.engine.store.sightings.add(found, self.clock() - timedelta(hours=1))
        issue, _, _ = self.engine.planning.plan()
        await self.engine.sending.send(issue.key)
        pool = {each.id: each for each in self.engine.store.issues.frozen(issue.key).entries}
        kept = self.engine.store.editions.kept(issue, [*self.numbers.values()], pool)
        got = {name: kept[number].edition.picks for name, number in self.numbers.items()}
        return {name: [papers[pick.entry.id] for pick in picks] for name, picks in got.items()}

    def _judge(self, person: Person, picks: Sequence[Paper], papers: Mapping[str, Paper], score: Score) -> None:
        """What is true of one edition."""
        ids, had = [paper.entry.id for paper in picks], self.had[person.name]
        score.repeats += len(ids) - len({*ids} - had)
        score.editions += 1
        score.quality += true_ndcg(person, picks, [paper for name, paper in papers.items() if name not in had])
        had.update(ids)
        fair, least = least_share(person), [*person.weights][-1]
        if fair:
            score.unequal += 1
            score.minority += sum(HOME[paper.sub] == least for paper in picks) / max(len(picks), 1) / fair


def opinions(person: Person, picks: Sequence[Paper], week: int, seed: int) -> Iterator[tuple[str, Verb]]:
    """(entry, verb) of what a reader says of one mail, if they open it: of the same papers the same in both arms."""
    if week >= person.silent or Random(f"{seed} {person.name} {week}").random() > person.attention:
        return
    for place, paper in enumerate(picks):
        verb = opinion(person, paper, place, Random(f"{seed} {person.name} {paper.entry.id}"))
        if verb:
            yield paper.entry.id, verb


def opinion(person: Person, paper: Paper, place: int, chance: Random) -> Verb | None:
    """What a reader says of a pick, if they get so far down the mail and say anything."""
    luck, verb = chance.random(), Verb.SAVE if chance.random() < 0.3 else Verb.MORE
    felt = person.affinity(paper) + chance.gauss(0, NOISE)
    if chance.random() > 0.95**place:
        return None
    if felt >= WELCOME:
        return verb if luck < 0.5 else None
    return Verb.LESS if felt < UNWELCOME and luck < 0.25 else None


def true_ndcg(person: Person, picks: Sequence[Paper], pool: Sequence[Paper]) -> float:
    """By latent affinity, beside the best DEPTH papers of the pool."""
    best = sorted(map(person.affinity, pool), reverse=True)
    return _dcg(map(person.affinity, picks[:DEPTH])) / (_dcg(best[:DEPTH]) or 1)


def least_share(person: Person) -> float:
    """The fair share of the topic that weighs least; 0 where all weigh the same."""
    weights = [*person.weights.values()]
    return min(weights) / sum(weights) if min(weights) < max(weights) else 0.0


def make_person(chance: Random, number: int, weeks: int) -> Person:
    weights = chance.choice(TASTES)
    topics = chance.sample([*TOPICS], len(weights))
    likes: dict[str, float] = {}
    for topic in topics:
        loved, *others = chance.sample([*TOPICS[topic]], len(TOPICS[topic]))
        likes |= {loved: LOVED} | dict.fromkeys(others, LIKED) | {others[-1]: COLD}
    silent = chance.randint(1, max(weeks, 1)) if chance.random() < FALL_SILENT else weeks
    return Person(
        name=f"reader{number:04}",
        weights=dict(zip(topics, weights, strict=True)),
        likes=likes,
        flavour=chance.choice([*FLAVOURS]),
        attention=chance.uniform(0.35, 0.95),
        silent=silent,
    )


async def simulate(weeks: int, readers: int, seed: int, folder: Path, papers: int = 80) -> tuple[Arm, Arm]:
    """(with feedback, control) after so many weeks."""
    clock, corpus, chance = Clock(), Corpus(), Random(seed)
    settings = Settings.model_validate({"newsletter": {"secret": "simulated"}, "home": folder})
    people = [make_person(chance, number, weeks) for number in range(readers)]
    heard = Arm(make_engine(settings, _store(folder / "feedback.db"), MemoryTransport(), clock), clock)
    control = Arm(make_control(settings, _store(folder / "control.db"), clock), clock)
    for arm in (heard, control):
        arm.enrol(people)
    for week in range(weeks):
        made = (corpus.paper(chance, number, week) for number in range(papers))
        week_papers = {paper.entry.id: paper for paper in made}
        for arm in (heard, control):
            await arm.week(week, people, week_papers, seed)
    return heard, control


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument("--readers", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, metavar="DIR", help="an empty or new folder, to keep all of it")
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as temporary:
        folder: Path = options.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.glob("*.db")):
            parser.error(f"{folder} holds the databases of an earlier run")
        heard, control = asyncio.run(simulate(options.weeks, options.readers, options.seed, folder))
        for line in table(heard, control, options.weeks):
            print(line)
        print("\nWhat `newsletter evaluate` says of the newsletter with feedback:\n")
        evaluate(folder, options.weeks, charts=options.out is not None)
        repeats = sum(score.repeats for arm in (heard, control) for score in arm.scores.values())
        for arm in (heard, control):
            arm.engine.store.close()
    return 1 if repeats else 0


def table(heard: Arm, control: Arm, weeks: int) -> Iterator[str]:
    """One line for each block of weeks. "minority": got beside the fair share, of readers with unequal weights."""
    yield "         true nDCG@10       minority/fair      votes              repeats"
    yield "weeks    feedback  control  feedback  control  feedback  control  feedback  control"
    for block in sorted(heard.scores):
        both = zip(heard.scores[block].row(), control.scores[block].row(), strict=True)
        last = min(weeks, BLOCK * (block + 1))
        yield f"{BLOCK * block + 1:2}-{last:<2}  " + "".join(f"  {one:>8} {other:>8}" for one, other in both)


def evaluate(folder: Path, weeks: int, charts: bool) -> None:
    """The command itself, on the same database."""
    config = folder / "newsletter.toml"
    config.write_text('[newsletter]\nsecret = "simulated"\n[store]\nurl = "sqlite:///feedback.db"\n')
    page = ["--out", str(folder / "quality.html")] if charts else []
    newsletter(["evaluate", "--config", str(config), "--issues", str(weeks), *page], standalone_mode=False)


def _store(path: Path) -> Store:
    store = Store(f"sqlite:///{path.absolute()}")
    store.check()
    return store


def _monday(week: int) -> datetime:
    return NOON + timedelta(weeks=week)


def _stretch(chance: Random, words: Sequence[str], most: int) -> Sequence[str]:
    """Neighbouring words of a title."""
    start = chance.randint(0, max(0, len(words) - most))
    return words[start : start + most]


def _dcg(gains: Iterable[float]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


if __name__ == "__main__":
    sys.exit(main())
