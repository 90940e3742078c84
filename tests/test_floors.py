"""Imports go downward only, and in no circle: the graph is read from every file.


Lazy faces are resolved: a name that a package's face offers is an arrow to the module behind it.
"""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOP = ("data_pipeline", "ser_keras", "benchmarks", "train")
# From the ground up. A room is a module, or a package with all that is in it; it may import rooms
# of lower floors, never another room of its own floor.
FLOORS = (
    tuple(f"data_pipeline.{name}" for name in ("contract", "errors", "runtime", "workers")),
    ("data_pipeline.faults",),
    tuple(f"data_pipeline.{name}" for name in ("command_line", "files", "names", "rows")),
    ("data_pipeline.audio", "data_pipeline.corpora", "data_pipeline.splits"),
    ("data_pipeline.features",),
    ("data_pipeline.records",),
    ("data_pipeline.batches",),
    ("data_pipeline.commands",),
    ("data_pipeline.__main__",),
    ("ser_keras.errors",),
    ("ser_keras.engine", "ser_keras.kernels", "ser_keras.scores")
    + ("ser_keras.settings", "ser_keras.voices"),
    ("ser_keras.heard", "ser_keras.layers", "ser_keras.model_info", "ser_keras.runs"),
    ("ser_keras.models",),
    ("ser_keras.graph",),
    ("ser_keras.export", "ser_keras.predict", "ser_keras.report", "ser_keras.training"),
    ("ser_keras.commands",),
    ("ser_keras.__main__", "train"),
    ("benchmarks",),
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# What `ser_keras` takes from `data_pipeline`: names, the pure functions of a signal, the audit.
SHARED = (
    *(
        f"data_pipeline.{name}"
        for name in ("command_line", "contract", "errors", "files", "names", "rows")
    ),
    *(f"data_pipeline.{name}" for name in ("audio", "features", "runtime")),
    *(f"data_pipeline.splits.{name}" for name in ("fold", "guessing")),
)
# The rooms that join the two packages.
JOINS_BOTH = ("ser_keras.commands", "benchmarks", "train")
# What is imported in one room alone.
ALONE = {"tensorflow_io": ("data_pipeline.audio",)}
# Written in `keras.ops`, so that they run on every backend of Keras; what TensorFlow alone does
# fast is in the kernels.
WITHOUT_TENSORFLOW = ("ser_keras.layers", "ser_keras.models")


# --- The graph ---


def module_files(root):
    """Name of each module, and its file; a package bears the name of its folder."""
    paths = [path for name in TOP for path in (root / name).rglob("*.py")]
    paths += [path for path in (root / f"{name}.py" for name in TOP) if path.exists()]
    named = {".".join(path.relative_to(root).with_suffix("").parts): path for path in paths}
    return {name.removesuffix(".__init__"): path for name, path in named.items()}


def lazy_names(path):
    """Name that a package's face offers -> the module behind it, from its stub."""
    stub = path.with_suffix(".pyi")
    if path.name != "__init__.py" or not stub.exists():
        return {}
    names = {}
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 1, f"{stub}: expected relative imports of its own modules"
            for alias in node.names:
                names[alias.asname or alias.name] = node.module or alias.name
    return names


def imported_names(path):
    """(module, name or None) of everything that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where an arrow goes"
            yield from ((node.module, alias.name) for alias in node.names)


def import_graph(root):
    """Each module and the modules of the project that it imports, faces resolved."""
    files = module_files(root)
    faces = {name: lazy_names(path) for name, path in files.items()}

    def resolved(module, name):
        if name is None:
            return module
        if f"{module}.{name}" in files:
            return f"{module}.{name}"
        return f"{module}.{faces[module][name]}" if name in faces[module] else module

    graph = {}
    for name, path in files.items():
        arrows = {resolved(m, n) for m, n in imported_names(path) if m in files}
        graph[name] = arrows - {name}
    return graph


def room_of(module):
    """The room that a module is in; None where the table has none for it."""
    rooms = [room for room in FLOOR_OF if module == room or module.startswith(f"{room}.")]
    return rooms[0] if rooms else None


# --- What is wrong with a graph: one sentence each ---


def homeless(graph):
    faces = {"data_pipeline", "ser_keras"}
    return [
        f"{module} has no floor: give it one here and in docs/architecture.md"
        for module in graph.keys() - faces
        if room_of(module) is None
    ]


def upward(graph):
    for module, arrows in graph.items():
        for target in arrows:
            own, other = room_of(module), room_of(target)
            # The two packages' own faces set up the environment and offer names.
            if own and other and own != other and FLOOR_OF[other] >= FLOOR_OF[own]:
                yield f"{module} imports {target}, which is not below it"


def circles(graph):
    """Circles of modules, and of the neighbours in any package: a package is one of them."""
    yield from _circle_of(graph)
    packages = {module.rpartition(".")[0] for module in graph}
    for package in packages:
        depth = package.count(".") + 1 if package else 0
        neighbours = {}
        for module, arrows in graph.items():
            for target in (module, *arrows):
                if package and not target.startswith(f"{package}."):
                    continue
                parts = target.split(".")
                if len(parts) > depth:
                    neighbours.setdefault(".".join(parts[: depth + 1]), set())
        for module, arrows in graph.items():
            own = ".".join(module.split(".")[: depth + 1])
            for target in arrows:
                other = ".".join(target.split(".")[: depth + 1])
                if own in neighbours and other in neighbours and own != other:
                    neighbours[own].add(other)
        yield from _circle_of(neighbours)


def _circle_of(graph):
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield " -> ".join(error.args[1])


def across(graph):
    """What crosses the wall between the two packages."""
    for module, arrows in graph.items():
        for target in arrows:
            if module.startswith("data_pipeline") and not target.startswith("data_pipeline"):
                yield f"{module} imports {target}: data_pipeline looks at nothing but itself"
            crosses = module.startswith("ser_keras.") and target.startswith("data_pipeline.")
            shared = any(target == name or target.startswith(f"{name}.") for name in SHARED)
            if crosses and not shared and room_of(module) not in JOINS_BOTH:
                yield f"{module} imports {target}: commands join the two packages"


def misplaced(root):
    """Libraries that are imported outside the room that has them."""
    for module, path in module_files(root).items():
        names = {name.split(".")[0] for name, _ in imported_names(path)}
        for library, rooms in ALONE.items():
            if library in names and room_of(module) not in rooms:
                yield f"{module} imports {library}, which belongs to {', '.join(rooms)}"
        if "tensorflow" in names and room_of(module) in WITHOUT_TENSORFLOW:
            yield f"{module} imports tensorflow, where keras.ops runs on every backend"


def faults(root):
    graph = import_graph(root)
    return [
        *homeless(graph),
        *upward(graph),
        *circles(graph),
        *across(graph),
        *misplaced(root),
    ]


def test_imports_go_downward_and_in_no_circle():
    assert faults(ROOT) == []


def test_no_folder_has_more_than_a_dozen_modules_and_no_module_the_name_of_an_offered_function():
    for name, path in module_files(ROOT).items():
        if path.name == "__init__.py" and name != "benchmarks":
            modules = [p for p in path.parent.glob("*.py") if not p.name.startswith("__")]
            assert len(modules) <= 12, f"{name} has {len(modules)} modules"
            same = lazy_names(path).keys() & {module.stem for module in modules}
            assert not same, f"{name} offers {same}, which are modules too"


def test_every_module_stands_in_the_tree_of_the_architecture():
    tree = (ROOT / "docs" / "architecture.md").read_text().split("```")[1]
    named = set(re.findall(r"\w+", tree))
    for name, path in module_files(ROOT).items():
        if path.name not in ("__init__.py", "__main__.py") and not name.startswith("benchmarks"):
            assert path.stem in named, f"{name} is not in the tree of docs/architecture.md"


# --- The test can fail: planted faults in a small house of the same rooms ---


def plant(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for folder in path.relative_to(root).parents:
            if folder != Path("."):
                (root / folder / "__init__.py").touch()


SOUND = {
    "data_pipeline/errors.py": "import enum\n",
    "data_pipeline/corpora/__init__.pyi": "from .catalogue import read_corpus\n",
    "data_pipeline/corpora/catalogue.py": "from data_pipeline import errors\n",
    "data_pipeline/records/preparing.py": "from data_pipeline.corpora import read_corpus\n",
    "ser_keras/commands/train.py": "def run():\n    import data_pipeline.records.preparing\n",
}


def test_a_sound_house_has_no_faults(tmp_path):
    plant(tmp_path, SOUND)
    assert faults(tmp_path) == []
    arrows = import_graph(tmp_path)["data_pipeline.records.preparing"]
    assert arrows == {"data_pipeline.corpora.catalogue"}


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("data_pipeline/audio/x.py", "import data_pipeline.records.preparing", "not below it"),
        ("data_pipeline/audio/x.py", "from data_pipeline.corpora import read_corpus", "not below"),
        (
            "data_pipeline/corpora/catalogue.py",
            "def f():\n    from data_pipeline.records import preparing",
            "not below it",
        ),
        ("data_pipeline/errors.py", "from ser_keras.commands import train", "nothing but itself"),
        ("data_pipeline/somewhere.py", "", "has no floor"),
        ("ser_keras/report/x.py", "import data_pipeline.records.preparing", "commands join"),
        ("benchmarks/a.py", "from benchmarks import b", "benchmarks.a -> benchmarks.b"),
        ("ser_keras/commands/train.py", "import tensorflow_io", "belongs to"),
        ("ser_keras/layers/x.py", "import tensorflow as tf", "keras.ops"),
        # A circle of two packages whose modules are in none.
        ("benchmarks/far/a.py", "import benchmarks.near.a", "benchmarks.far -> benchmarks.near"),
    ],
)
def test_a_planted_fault_is_found(tmp_path, file, text, fault):
    others = {
        "benchmarks/b.py": "import benchmarks.a\n",
        "benchmarks/near/a.py": "",
        "benchmarks/near/b.py": "import benchmarks.far.b\n",
        "benchmarks/far/b.py": "",
    }
    plant(tmp_path, SOUND | others | {"benchmarks/a.py": ""})
    assert faults(tmp_path) == []
    plant(tmp_path, {file: text + "\n"})
    found = faults(tmp_path)
    assert any(fault in line for line in found), found
