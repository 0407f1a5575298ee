"""A scene's motion, by MuJoCo: exact flight, stiff bouncing contacts that never add energy.

Shapes: t frames, n things. Quaternions (w, x, y, z).
"""

# pyright: reportAttributeAccessIssue=false

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from praxino.world.scene import GRAVITY, Scene, Thing

_STEP = 0.001
"""Seconds; the true step divides a frame evenly."""
_SWING = 16.0
"""Seconds of one swing of a moving camera."""
_STIFF = 320.0
"""Natural frequency of a contact in rad/s: it lasts a hundredth of a second, ten steps."""


@dataclass(frozen=True, kw_only=True)
class Motion:
    """What happened. Contacts name things from 1 (0 is the floor), pairs in order, once a frame."""

    poses: np.ndarray  # (t, n, 7) float32: position, turn
    velocities: np.ndarray  # (t, n, 6) float32: linear, angular (world axes)
    contacts: tuple[tuple[tuple[int, int], ...], ...]  # per frame
    camera: np.ndarray  # (t, 7) float32: eye, target, focal
    fps: float

    def part(self, first: int) -> "Motion":
        """The motion from frame ``first`` on."""
        return Motion(
            poses=self.poses[first:],
            velocities=self.velocities[first:],
            contacts=self.contacts[first:],
            camera=self.camera[first:],
            fps=self.fps,
        )


def simulate(scene: Scene, *, frames: int, fps: float = 30) -> Motion:
    """``frames`` frames of ``scene`` from its first moment. ValueError for no frames or no rate."""
    if frames < 1 or not 0 < fps <= 1000:
        raise ValueError(f"{frames} frames at {fps} a second is no film; ask for at least 1 frame and 1..1000 a second")
    import mujoco

    steps = max(1, math.ceil(1 / (fps * _STEP)))
    model = mujoco.MjModel.from_xml_string(_mjcf(scene, 1 / (fps * steps)))
    data = mujoco.MjData(model)
    _begin(scene, model, data)
    mujoco.mj_forward(model, data)
    count = len(scene.things)
    bodies = [model.body(f"t{i}").id for i in range(count)]
    poses, velocities = np.zeros((frames, count, 7), np.float32), np.zeros((frames, count, 6), np.float32)
    contacts = []
    for t in range(frames):
        if t:
            mujoco.mj_step(model, data, steps)
        poses[t, :, :3], poses[t, :, 3:] = data.xpos[bodies], data.xquat[bodies]
        velocities[t] = _velocities(model, data, bodies)
        contacts.append(_contacts(model, data, bodies))
    seen = camera_path(scene, frames, fps, poses=poses)
    return Motion(poses=poses, velocities=velocities, contacts=tuple(contacts), camera=seen, fps=fps)


def camera_path(scene: Scene, frames: int, fps: float, *, poses: np.ndarray | None = None) -> np.ndarray:
    """Eye, target and focal length for every frame, (t, 7) float32. ``poses`` (t, n, 7): what a camera may follow."""
    camera = scene.camera
    path = np.repeat(np.array([*camera.eye, *camera.target, camera.focal])[None], frames, 0)
    time = np.arange(frames) / fps
    # A slow swing there and back: a quarter of it lasts four seconds, and it never ends.
    swing = camera.amount * np.sin(2 * math.pi * time / _SWING)
    eye, target = path[:, :3], path[:, 3:6]
    match camera.move:
        case "pan":
            target[:, 0] += np.tan(swing) * -camera.eye[1]
        case "tilt":
            target[:, 2] += np.tan(swing) * -camera.eye[1]
        case "orbit":
            around = camera.amount * time
            eye[:, 0], eye[:, 1] = -camera.eye[1] * np.sin(around), camera.eye[1] * np.cos(around)
        case "dolly":
            step = np.array(camera.target) - np.array(camera.eye)
            path[:, :3] += swing[:, None] * step / np.linalg.norm(step)
        case "zoom":
            path[:, 6] *= np.exp(swing)
        case "follow" if poses is not None:
            drift = poses[:, 0, 0] - poses[0, 0, 0]
            eye[:, 0] += drift
            target[:, 0] += drift
    return path.astype(np.float32)


def _velocities(model: Any, data: Any, bodies: list[int]) -> np.ndarray:
    import mujoco

    out, one = np.empty((len(bodies), 6)), np.empty(6)
    for i, body in enumerate(bodies):
        mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, body, one, 0)  # angular first, world axes
        out[i, :3], out[i, 3:] = one[3:], one[:3]
    return out


def _contacts(model: Any, data: Any, bodies: list[int]) -> tuple[tuple[int, int], ...]:
    if not data.ncon:
        return ()
    number = {0: 0} | {body: i + 1 for i, body in enumerate(bodies)}
    pairs = [sorted((number[int(a)], number[int(b)])) for a, b in model.geom_bodyid[data.contact.geom]]
    return tuple(sorted({(a, b) for a, b in pairs if a != b}))


def _begin(scene: Scene, model: Any, data: Any) -> None:
    half_step = 0.5 * GRAVITY * model.opt.timestep
    for i, thing in enumerate(scene.things):
        if thing.fixed or thing.attached is not None:
            continue
        v = model.body_dofadr[model.body(f"t{i}").id]
        if thing.hinge is not None:
            data.qvel[v] = np.dot(thing.spin, thing.hinge[1])
            continue
        # An upright thing slides along the axes of its own first frame.
        data.qvel[v : v + 3] = matrix(thing.turn).T @ np.array(thing.velocity) if thing.upright else thing.velocity
        # Half a step of gravity too much in semi-implicit Euler, taken back: positions then lie on the true parabola.
        data.qvel[v + 2] += half_step
        if thing.upright:
            data.qvel[v + 3] = thing.spin[2]
        else:
            data.qvel[v + 3 : v + 6] = matrix(thing.turn).T @ np.array(thing.spin)  # MuJoCo wants body axes


def matrix(turn: tuple[float, float, float, float]) -> np.ndarray:
    """The rotation matrix (3, 3) of a unit quaternion."""
    w, x, y, z = turn
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


_UPRIGHT = (
    "".join(f'<joint type="slide" axis="{axis}"/>' for axis in ("1 0 0", "0 1 0", "0 0 1"))
    + '<joint type="hinge" axis="0 0 1"/>'
)


def _mjcf(scene: Scene, step: float) -> str:
    geoms = [_geom(thing, i) for i, thing in enumerate(scene.things)]
    bodies = [_body(scene, i, [g for g, _ in geoms]) for i, thing in enumerate(scene.things) if thing.attached is None]
    return (
        f'<mujoco><option timestep="{step}" gravity="0 0 {-GRAVITY}" cone="elliptic" impratio="10" integrator="Euler"/>'
        f"<asset>{''.join(mesh for _, mesh in geoms)}</asset><worldbody>"
        f'<geom type="plane" size="50 50 1" friction="1 0 0"/>{"".join(bodies)}</worldbody></mujoco>'
    )


def _body(scene: Scene, i: int, geoms: list[str]) -> str:
    """A thing, and the things attached to it, as an MJCF body."""
    thing, parent = scene.things[i], scene.things[i].attached
    place, turn, joints = thing.position, thing.turn, "<freejoint/>"
    if parent is not None:
        base = matrix(scene.things[parent].turn).T
        place = base @ (np.array(thing.position) - np.array(scene.things[parent].position))
        turn = _quaternion(base @ matrix(thing.turn))
    if parent is not None or thing.fixed:
        joints = ""
    elif thing.hinge is not None:
        anchor = matrix(thing.turn).T @ (np.array(thing.hinge[0]) - np.array(thing.position))
        axis = matrix(thing.turn).T @ np.array(thing.hinge[1])
        joints = f'<joint type="hinge" pos="{_text(anchor)}" axis="{_text(axis)}"/>'
    elif thing.upright:
        joints = _UPRIGHT
    parts = "".join(_body(scene, k, geoms) for k, part in enumerate(scene.things) if part.attached == i)
    return f'<body name="t{i}" pos="{_text(place)}" quat="{_text(turn)}">{joints}{geoms[i]}{parts}</body>'


def _text(numbers: Iterable[float]) -> str:
    return " ".join(str(float(n)) for n in numbers)


def _quaternion(turn: np.ndarray) -> np.ndarray:
    import mujoco

    out = np.empty(4)
    mujoco.mju_mat2Quat(out, turn.ravel())
    return out


def _geom(thing: Thing, i: int) -> tuple[str, str]:
    """A thing as MJCF: its geom, and the mesh it needs, if any."""
    a, b, c = thing.half
    # A spring-damper contact whose damping ratio gives the restitution (e = exp(-pi z / sqrt(1 - z^2))).
    log = math.log(max(thing.bounce, 0.02))
    damping = -log / math.hypot(math.pi, log)
    spring = f'solref="{-_STIFF * _STIFF} {-2 * damping * _STIFF}" solimp="0.99 0.99 0.001"'
    axes = 1 if thing.friction == 0 else 6 if thing.rolling else 3
    rub = f'friction="{max(thing.friction, 1e-5)} {thing.rolling} {thing.rolling}" condim="{axes}"'
    common = f'{spring} {rub} mass="{thing.mass}" priority="1"'
    common += ' contype="0" conaffinity="0"' if thing.ghost else ""
    match thing.shape:
        case "sphere":
            return f'<geom type="sphere" size="{a}" {common}/>', ""
        case "cube" | "box":
            return f'<geom type="box" size="{a} {b} {c}" {common}/>', ""
        case "cylinder":
            return f'<geom type="cylinder" size="{a} {c}" {common}/>', ""
        case "capsule":
            return f'<geom type="capsule" size="{a} {c - a}" {common}/>', ""
        case "ellipsoid":
            return f'<geom type="ellipsoid" size="{a} {b} {c}" {common}/>', ""
        case "cone":
            rim = [(a * math.cos(k * math.pi / 12), a * math.sin(k * math.pi / 12), -c) for k in range(24)]
        case _:
            rim = [(a, a, -c), (-a, a, -c), (-a, -a, -c), (a, -a, -c)]
    points = " ".join(f"{x} {y} {z}" for x, y, z in [*rim, (0.0, 0.0, c)])
    return f'<geom type="mesh" mesh="m{i}" {common}/>', f'<mesh name="m{i}" vertex="{points}"/>'
