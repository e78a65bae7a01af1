"""Floor 2: integrators that run derived words, in floats, in many digits, or enclosed."""

from lora_proofs.integrate.enclosure import enclose_flow
from lora_proofs.integrate.runge_kutta import runge_kutta_flow
from lora_proofs.integrate.taylor import taylor_flow
from lora_proofs.integrate.trajectory import Trajectory

__all__ = ["Trajectory", "enclose_flow", "runge_kutta_flow", "taylor_flow"]
