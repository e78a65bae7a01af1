"""Tasks on a Dask cluster that the user has: the same outcomes as from processes of this machine.

Dask decides where a task is done and does it again where a worker is lost. A task that was running
whenever workers were lost is tried again when no other one of the run is under way: only one that
ends workers even then is given up.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import metadata, util
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from lora_proofs.errors import BadInput, ClusterError
from lora_proofs.running.catalogue import GROUP
from lora_proofs.running.provenance import about, versions_of
from lora_proofs.running.remote import packed, unpacked
from lora_proofs.running.scale import NOBODY, ON, Heard, Keep, Outcome, Task, memory_limit

INSTALL = "pip install 'lora_proofs[cluster]'"
CONNECT = 10.0
"""Seconds that a scheduler may take to answer."""
WORKERS = 300.0
"""Seconds to wait for a first or a next worker; LORA_PROOFS_WORKER_SECONDS overrides it."""
LOOK = 2.0
"""Seconds without news after which the cluster is looked at."""
# Evaluated there: what is pickled by name would have to be importable on the scheduler, too.
_ABOUT = "__import__('lora_proofs.running.provenance', fromlist=['about'])"
_REMOTE = "__import__('lora_proofs.running.remote', fromlist=['unit'])"


class Cluster:
    """The workers of a Dask scheduler; ``scatter`` as that of ``Pool``.

    ``say`` is told what a person wants to know of the cluster. Raises ``BadInput`` for an address
    that is none, ``ClusterError`` where the extra is missing, and, from ``scatter``, where the
    scheduler cannot be reached or a worker has other versions than this process.
    """

    def __init__(self, address: str, say: Callable[[str], None] = lambda text: None) -> None:
        self.address, self.say = _checked(address), say
        self.keep: Keep = lambda index, units: None
        if util.find_spec("distributed") is None:
            raise ClusterError(f"--scheduler needs the package distributed; {INSTALL}")

    def scatter(
        self, tasks: Sequence[Task], heard: Heard = NOBODY
    ) -> Iterator[tuple[int, Outcome]]:
        """Do every task on the cluster; left early, what is queued or running there is ended."""
        with self._connected() as client:
            run = _Run(client, self, tasks, heard)
            try:
                run.begin()
                while run.futures:
                    yield from run.next()
            finally:
                run.end()

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        client = self._client()
        if isinstance(client, Exception):
            raise ClusterError(
                f"--scheduler: expected a Dask scheduler at {self.address}, got no answer from "
                f"one: {str(client) or type(client).__name__}. Start one with `dask scheduler`, "
                "and workers with `dask worker`"
            )
        try:
            yield client
        finally:
            with suppress(Exception):
                client.close(timeout=CONNECT)

    def _client(self) -> Any:
        """A client of the scheduler, or why there is none.

        It is made in a thread: Dask waits for ever where something listens and does not answer.
        """
        from distributed import Client

        found: SimpleQueue[Any] = SimpleQueue()

        def connect() -> None:
            try:
                with warnings.catch_warnings():
                    # Versions that differ are refused later, in words that say what to do.
                    warnings.simplefilter("ignore")
                    found.put(Client(self.address, timeout=CONNECT, set_as_default=False))
            except Exception as error:
                found.put(error)

        threading.Thread(target=connect, daemon=True).start()
        try:
            return found.get(timeout=2 * CONNECT)
        except Empty:
            return OSError(f"what listens there says nothing within {2 * CONNECT:g} s")

    def differs(self, place: str, theirs: Mapping[str, str], ours: Mapping[str, str]) -> None:
        """Raise where a worker has other versions, and name both."""
        names = [name for name in ours if theirs.get(name) != ours[name]]
        if names:
            there, here = (_listed(told, names) for told in (theirs, ours))
            raise ClusterError(
                f"the worker {place} of {self.address} has {there}; this process has {here}: "
                "expected the same, as results depend on it. Install the same versions there"
            )


def _listed(told: Mapping[str, str], names: Sequence[str]) -> str:
    shown = {"source": "source text", "lora_proofs": "lora_proofs"}
    return ", ".join(f"{shown.get(name, name)} {told.get(name, 'none')}" for name in names)


def _checked(address: str) -> str:
    """The address of a scheduler, or ``BadInput``."""
    try:
        parts = urlsplit(address)
        port, extra = parts.port, parts.path + parts.query + parts.fragment
    except ValueError:
        parts, port, extra = urlsplit(""), None, ""
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or not port or extra:
        raise BadInput(
            f"--scheduler: expected the address of a Dask scheduler, tcp://HOST:PORT, got "
            f"{address!r}"
        )
    return address


def _patience() -> float:
    text = os.environ.get("LORA_PROOFS_WORKER_SECONDS", "")
    try:
        return float(text) if text else WORKERS
    except ValueError:
        raise BadInput(
            f"LORA_PROOFS_WORKER_SECONDS: expected a number of seconds, got {text!r}"
        ) from None


class _Run:
    """One call of ``scatter``: the futures of its tasks, and the news of them."""

    def __init__(self, client: Any, cluster: Cluster, tasks: Sequence[Task], heard: Heard) -> None:
        self.client, self.cluster, self.tasks, self.heard = client, cluster, tasks, heard
        self.topic = f"lora-proofs-{uuid.uuid4().hex}"
        self.news: SimpleQueue[Any] = SimpleQueue()
        self.futures: dict[int, Any] = {}
        self.suspects: list[int] = []
        self.tried_alone: set[int] = set()
        self.alone_since: float | None = None
        self.reached: dict[int, str] = {}
        self.patience, self.about = _patience(), about()

    def begin(self) -> None:
        """See that the workers are as this process is, and hand out every task."""
        self._inspect()
        self.client.subscribe_topic(self.topic, lambda event: self.news.put(event[1]))
        for index in range(len(self.tasks)):
            self._submit(index)

    def _inspect(self) -> None:
        threads = self.client.nthreads()
        many = f"workers: {len(threads)}, tasks at a time: {sum(threads.values())}"
        self.cluster.say(f"{self.cluster.address}: {many}")
        found = self.client.run(eval, f"{_ABOUT}.about()", on_error="return")
        for place, told in found.items():
            if isinstance(told, OSError):
                continue  # it went away
            if isinstance(told, Exception):
                raise self._unusable(place, told)
            self.cluster.differs(place, told, self.about)

    def _unusable(self, place: str, error: BaseException) -> ClusterError:
        which = f"the worker {place}" if place else "a worker"
        ours = f"lora_proofs {self.about['lora_proofs']}"
        return ClusterError(
            f"{which} of {self.cluster.address} cannot do what it is asked: "
            f"{type(error).__name__}: {error}. Install {ours} there"
        )

    def _submit(self, index: int) -> None:
        task = self.tasks[index]
        run = {"topic": self.topic, "memory": memory_limit(), "about": self._about(task)}
        text = packed(task, index, run)
        # A key of its own: nobody's earlier result is taken for this one.
        key = f"{self.topic}-{index}-{len(self.tried_alone)}"
        future = self.client.submit(
            eval, f"{_REMOTE}.unit(text)", {"text": text}, key=key, pure=False
        )
        self.futures[index] = future
        future.add_done_callback(lambda done: self._fetch_apart(index, done))

    def _fetch_apart(self, index: int, future: Any) -> None:
        """Fetch an answer in a thread: it takes as long as the unit where its worker is lost."""

        def fetch() -> None:
            try:
                found = future.result()
            except Exception as error:
                found = error
            self.news.put((index, future, found))

        threading.Thread(target=fetch, daemon=True).start()

    def next(self) -> Iterator[tuple[int, Outcome]]:
        """Take in one piece of news, or look at the cluster where there is none."""
        try:
            news = self.news.get(timeout=LOOK)
        except Empty:
            self._look()
            return
        self.alone_since = None
        if isinstance(news, dict):
            self._told(news)
            return
        index, future, answer = news
        if self.futures.get(index) is not future:
            return
        outcome = self._outcome(index, answer)
        del self.futures[index]
        if outcome is not None:
            yield index, outcome
        if not self.futures and self.suspects:
            self.tried_alone.add(suspect := self.suspects.pop(0))
            self._submit(suspect)

    def _told(self, news: Mapping[str, Any]) -> None:
        """Pass on what a worker says of a task that it is at."""
        index = news["index"]
        if "units" in news:
            self.cluster.keep(index, json.loads(news["units"]))
        else:
            self.reached[index] = news["stage"]
            self.heard(index, f"{news['stage']}{ON}{news['place']}")

    def _outcome(self, index: int, answer: Any) -> Outcome | None:
        """What an answer amounts to; ``None`` where the task is to be tried again, alone."""
        from distributed import CancelledError, KilledWorker

        if isinstance(answer, KilledWorker):
            return self._killed(index, answer)
        if isinstance(answer, CancelledError):
            raise self._gone()
        if isinstance(answer, Exception):
            raise self._unusable("", answer)
        told = json.loads(answer)
        if "differs" in told:
            self.cluster.differs(told["place"], told["differs"], self._about(self.tasks[index]))
        return _kept(*unpacked(told))

    def _about(self, task: Task) -> dict[str, str]:
        """What a result depends on, the package that ships the claim included."""
        return {**self.about, **versions_of(_packages(task))}

    def _killed(self, index: int, error: Any) -> Outcome | None:
        if index not in self.tried_alone:
            self.suspects.append(index)
            self.cluster.say(
                f"{error.allowed_failures + 1} workers were lost during one task; it is tried "
                "again at the end, alone"
            )
            return None
        why = (
            f"{error.allowed_failures + 1} workers of the cluster were lost while they did it, the "
            f"last one {error.last_worker.address}, and as many before, perhaps for memory"
        )
        return Outcome("stopped", why, self.reached.get(index, "load"))

    def _look(self) -> None:
        """Nothing is heard: see whether there is a scheduler, and whether it has workers."""
        if self.client.status != "running":
            raise self._gone()
        try:
            threads = self.client.nthreads()
        except Exception:
            raise self._gone() from None
        if threads:
            self.alone_since = None
        elif self.alone_since is None:
            self.alone_since = time.monotonic()
            self.cluster.say(f"{self.cluster.address} has no worker; waiting for one")
        elif time.monotonic() - self.alone_since > self.patience:
            raise ClusterError(
                f"{self.cluster.address}: expected a worker within {self.patience:g} s, there is "
                "none. Start one with `dask worker`; LORA_PROOFS_WORKER_SECONDS sets how long to "
                "wait"
            )

    def _gone(self) -> ClusterError:
        return ClusterError(
            f"{self.cluster.address}: the scheduler went away; what is finished is kept. Run the "
            "command again when there is one"
        )

    def end(self) -> None:
        """End what is queued or running; a worker sees that its task is wanted no more."""
        with suppress(Exception):
            if self.futures and self.client.status == "running":
                self.client.cancel(list(self.futures.values()))
        self.futures.clear()


def _packages(task: Task) -> tuple[str, ...]:
    """The package, if any, whose claim a task is about."""
    module = task.payload["locator"]["module"]
    return _shipping(module) if task.home and module else ()


@cache
def _shipping(module: str) -> tuple[str, ...]:
    points = [point for point in metadata.entry_points(group=GROUP) if point.value == module]
    return tuple(sorted({point.dist.name for point in points if point.dist}))


def _kept(outcome: Outcome, bundle: str) -> Outcome:
    """The outcome, once its file of certificates stands where it says."""
    if not bundle:
        return outcome
    from lora_proofs.running.certificate_files import received

    return Outcome("done", received(outcome.value, bundle))
