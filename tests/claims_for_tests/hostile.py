"""Claims that do what a claim should not, beside two that do nothing of that kind."""

# ruff: noqa: F821
import atexit
import ctypes
import decimal
import gc
import io
import locale
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings

import flint
import mpmath
import numpy as np

from lora_proofs import Assumption


def draws_for_ever(source, regime):
    while True:
        time.sleep(1)


def holds_for_ever(instance, ctx):
    time.sleep(99)
    yield at_least("x", ctx.number(1), ctx.number(0))


def stays_in_c(instance, ctx):
    # With the interpreter's lock held: no other thread runs, no handler of a signal.
    ctypes.PyDLL(None).sleep(99)
    yield


class Endless(Exception):
    def __str__(self):
        time.sleep(99)


def raises_for_ever(instance, ctx):
    raise Endless
    yield


def low(instance, ctx):
    x = ctx.number(instance.x)
    yield at_least("square", ctx.number(2), x * x)


false = variant("false", check=low)
loops = (
    variant("loops-draw", instances=Instances(draws_for_ever)),
    variant("loops-assumption", assumptions=(Assumption("a", "a", holds_for_ever, "none"),)),
    variant("loops-check", check=stays_in_c),
    variant("loops-control", controls=(Control(None, INSTANCES, "slow", check=holds_for_ever),)),
    variant("loops-measure", measure=lambda ctx: time.sleep(99)),
    variant("loops-message", check=raises_for_ever),
)


def eats_lists(instance, ctx):
    kept = []
    while True:
        kept.append(np.empty(2**24))
    yield


def eats_arrays(instance, ctx):
    np.ones((10**5, 10**6))
    yield


def eats_rationals(instance, ctx):
    flint.fmpq_mat(10**5, 10**5)
    yield


memory = tuple(
    variant(f"memory-{eats.__name__[5:]}", check=eats)
    for eats in (eats_lists, eats_arrays, eats_rationals)
)


said = []


def prints(instance, ctx):
    if not said:
        said.append(True)
        prints_everywhere()
    yield from check(instance, ctx)


def prints_everywhere():
    print("printed by a claim")
    print("printed past it by a claim", file=sys.__stdout__)
    os.write(1, b"written by a claim\n")
    ctypes.CDLL(None).puts(b"put by a claim")
    subprocess.run(["echo", "echoed by a claim"], check=True)
    atexit.register(print, "printed at the end by a claim")
    threading.Thread(target=lambda: (time.sleep(0.01), print("printed late by a claim"))).start()


def breaks_off(how):
    def ends(instance, ctx):
        how()
        yield from check(instance, ctx)

    return ends


def leaves_a_process():
    # It keeps the way back open, and goes on after the claim.
    if os.fork() == 0:
        time.sleep(99)


crashes = (
    variant("stops-segfault", check=breaks_off(lambda: ctypes.string_at(0))),
    variant("stops-parent", check=breaks_off(lambda: os.kill(os.getppid(), 9))),
    variant("leaves-process", check=breaks_off(leaves_a_process)),
    variant("leaves-prints", check=prints),
)


def turns_everything(instance, ctx):
    turn_everything()
    yield from check(instance, ctx)


def turn_everything():
    mpmath.mp.dps = 3
    mpmath.iv.prec = 4
    flint.ctx.prec = 5
    np.seterr(all="raise")
    np.set_printoptions(precision=1)
    np.random.seed(5)
    random.seed(5)
    decimal.getcontext().prec = 2
    decimal.setcontext(decimal.Context(prec=3))
    locale.setlocale(locale.LC_ALL, "C")
    sys.setrecursionlimit(77_777)
    sys.set_int_max_str_digits(5000)
    sys.path.insert(0, "/nowhere")
    sys.argv.append("--json")
    sys.stdout = sys.stderr = io.StringIO()
    sys.excepthook = print
    os.environ["LORA_PROOFS_MEMORY_MB"] = "1"
    os.environ.pop("PATH", None)
    os.chdir("/")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 3600)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    logging.root.handlers.append(logging.NullHandler())
    logging.root.setLevel(1)
    gc.disable()
    gc.set_threshold(1)
    threading.excepthook = print
    turn_names()


def turn_names():
    import builtins
    import math

    import lora_proofs
    from lora_proofs.arithmetic.comparison import Comparison
    from lora_proofs.running import runner

    builtins.sorted = builtins.min = lambda *a, **k: 0
    math.sqrt = lambda x: 0
    runner.judge = runner.sample = None
    Comparison.to_dict = None
    Comparison.__bool__ = lambda self: False
    sys.modules["lora_proofs.judging.evaluation"] = lora_proofs


turned = variant("a-turned", check=turns_everything)
