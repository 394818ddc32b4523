"""The car: a point mass with grip, power and drag, and what its instruments need to know of it."""

from dataclasses import dataclass
from typing import Final

from racing_coach_rig.sources.simulation.arrays import Floats

GRAVITY: Final = 9.80665
"""Standard gravity, m/s²."""


@dataclass(frozen=True, slots=True)
class Car:
    """What the car can do. Forces are per kilogram of car, so they are accelerations in m/s².

    Attributes:
        friction: of the tyres, as a share of the load on them.
        downforce: load per speed squared, 1/m.
        power: at the wheels, W/kg.
        drag: per speed squared, 1/m.
        rolling: resistance at any speed, m/s².
        engine_braking: with both pedals released, m/s².
        full_brake: deceleration asked for by the brake pedal at its end of travel, m/s².
        redline: engine speed at which the driver changes up, rev/min.
        gearing: engine speed over road speed in each gear, rev/min per m/s.
        wheelbase: m.
        steering_ratio: steering wheel angle over road wheel angle.
        understeer: further road wheel angle per lateral acceleration, rad per m/s².
    """

    friction: float = 1.6
    downforce: float = 1.0e-3
    power: float = 214.0
    drag: float = 4.0e-4
    rolling: float = 0.12
    engine_braking: float = 0.5
    full_brake: float = 23.0
    redline: float = 7150.0
    gearing: tuple[float, ...] = (196.0, 158.0, 130.0, 112.0, 100.0, 91.0)
    wheelbase: float = 2.7
    steering_ratio: float = 15.0
    understeer: float = 6.0e-4

    def grip(self, speed: Floats) -> Floats:
        """Radius of the friction circle at a speed, m/s²."""
        return self.friction * (GRAVITY + self.downforce * speed**2)

    def resistance(self, speed: Floats) -> Floats:
        """Deceleration by air and road at a speed, m/s²."""
        return self.drag * speed**2 + self.rolling


CAR: Final = Car()
