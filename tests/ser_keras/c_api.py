"""A SavedModel run by the TensorFlow library through its C API, without Python's TensorFlow.

This is the loader that TensorFlow Serving uses. As a script it takes a version folder, reads a
pickled list of (signature, inputs by name) from standard input and writes the outputs of each:
arrays, and lists of bytes for strings.
"""

import ctypes
import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np

FLOAT, INT32, STRING = 1, 3, 7  # TF_DataType
NUMPY_TYPES = {FLOAT: np.dtype(np.float32), INT32: np.dtype(np.int32)}
STRING_BYTES = 24  # sizeof(TF_TString)


class Output(ctypes.Structure):
    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


class Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("free", ctypes.c_void_p)]


def load_library():
    # find_spec looks for the package and does not import it.
    folder = Path(importlib.util.find_spec("tensorflow").origin).parent
    ctypes.CDLL(str(folder / "libtensorflow_framework.so.2"), mode=ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL(str(folder / "libtensorflow_cc.so.2"))
    pointers = (
        "TF_NewStatus TF_NewGraph TF_NewSessionOptions TF_LoadSessionFromSavedModel TF_NewBuffer "
        "TF_GraphOperationByName TF_AllocateTensor TF_TensorData TF_StringGetDataPointer"
    )
    for name in pointers.split():
        getattr(library, name).restype = ctypes.c_void_p
    library.TF_Message.restype = ctypes.c_char_p
    library.TF_Dim.restype = ctypes.c_int64
    library.TF_StringGetSize.restype = ctypes.c_size_t
    return library


class Session:
    """Runs the signatures of one SavedModel; raises RuntimeError with the library's own words."""

    def __init__(self, version_dir):
        self.library = load_library()
        self.signatures = read_signatures(Path(version_dir) / "saved_model.pb")
        self.status = self.pointer(self.library.TF_NewStatus())
        self.graph = self.pointer(self.library.TF_NewGraph())
        self.session = self.pointer(
            self.library.TF_LoadSessionFromSavedModel(
                self.pointer(self.library.TF_NewSessionOptions()),
                None,
                str(version_dir).encode(),
                (ctypes.c_char_p * 1)(b"serve"),
                1,
                self.graph,
                None,
                self.status,
            )
        )
        self.check()

    @staticmethod
    def pointer(address):
        return ctypes.c_void_p(address)

    def check(self):
        if self.library.TF_GetCode(self.status):
            raise RuntimeError(self.library.TF_Message(self.status).decode())

    def run(self, signature, inputs):
        """Outputs by name for inputs by name; all have a batch axis."""
        names = self.signatures[signature]
        feeds = [self.tensor(inputs[name], names["inputs"][name]["dtype"]) for name in inputs]
        places = [self.place(names["inputs"][name]["name"]) for name in inputs]
        wanted = [self.place(info["name"]) for info in names["outputs"].values()]
        results = (ctypes.c_void_p * len(wanted))()
        self.library.TF_SessionRun(
            self.session,
            None,
            (Output * len(places))(*places),
            (ctypes.c_void_p * len(feeds))(*feeds),
            len(feeds),
            (Output * len(wanted))(*wanted),
            results,
            len(wanted),
            None,
            0,
            None,
            self.status,
        )
        for feed in feeds:
            self.library.TF_DeleteTensor(self.pointer(feed))
        self.check()
        return dict(zip(names["outputs"], map(self.value, results), strict=True))

    def place(self, tensor_name):
        operation, index = tensor_name.split(":")
        found = self.library.TF_GraphOperationByName(self.graph, operation.encode())
        assert found, f"the graph has no operation {operation}"
        return Output(found, int(index))

    def tensor(self, value, dtype):
        """The address of a new tensor."""
        if dtype == STRING:
            return self.string_tensor(value)
        array = np.ascontiguousarray(value, NUMPY_TYPES[dtype])
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        tensor = self.library.TF_AllocateTensor(
            dtype, shape, array.ndim, ctypes.c_size_t(array.nbytes)
        )
        data = self.library.TF_TensorData(self.pointer(tensor))
        ctypes.memmove(data, array.ctypes.data, array.nbytes)
        return tensor

    def string_tensor(self, values):
        shape = (ctypes.c_int64 * 1)(len(values))
        tensor = self.library.TF_AllocateTensor(
            STRING, shape, 1, ctypes.c_size_t(STRING_BYTES * len(values))
        )
        data = self.library.TF_TensorData(self.pointer(tensor)) or 0
        for index, value in enumerate(values):
            place = self.pointer(data + STRING_BYTES * index)
            self.library.TF_StringInit(place)
            self.library.TF_StringCopy(place, value, ctypes.c_size_t(len(value)))
        return tensor

    def value(self, address):
        """The content of a tensor, which is deleted."""
        tensor = self.pointer(address)
        dtype = self.library.TF_TensorType(tensor)
        shape = [self.library.TF_Dim(tensor, i) for i in range(self.library.TF_NumDims(tensor))]
        data = self.library.TF_TensorData(tensor) or 0
        if dtype == STRING:
            value = [self.string(data + STRING_BYTES * i) for i in range(int(np.prod(shape)))]
        else:
            size = int(np.prod(shape)) * NUMPY_TYPES[dtype].itemsize
            content = ctypes.string_at(data, size) if size else b""
            value = np.frombuffer(content, NUMPY_TYPES[dtype]).reshape(shape)
        self.library.TF_DeleteTensor(tensor)
        return value

    def string(self, address):
        place = self.pointer(address)
        start = self.library.TF_StringGetDataPointer(place)
        return ctypes.string_at(start, self.library.TF_StringGetSize(place))


# --- saved_model.pb, read without TensorFlow's protos ---


def read_signatures(path):
    """{signature: {"inputs" or "outputs": {name: {"name": tensor, "dtype": number}}}}."""
    saved_model = fields(path.read_bytes())
    meta_graph = fields(saved_model[2][0])
    return {
        name: {
            side: entries(value.get(number, ())) for side, number in (("inputs", 1), ("outputs", 2))
        }
        for name, value in mapping(meta_graph[5])
        if 2 in value
    }


def entries(messages):
    return {
        name: {"name": info[1][0].decode(), "dtype": info.get(2, [0])[0]}
        for name, info in sorted(mapping(messages))
    }


def mapping(messages):
    """(key, fields of the value) of each entry of a protobuf map from string to message."""
    for message in messages:
        entry = fields(message)
        yield entry[1][0].decode(), fields(entry[2][0]) if 2 in entry else {}


def fields(message):
    """{field number: [values]} of a protobuf message: bytes, or integers."""
    found, position = {}, 0
    while position < len(message):
        key, position = varint(message, position)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, position = varint(message, position)
        else:
            size, position = (
                varint(message, position) if kind == 2 else ({1: 8, 5: 4}[kind], position)
            )
            value, position = message[position : position + size], position + size
        found.setdefault(number, []).append(value)
    return found


def varint(message, position):
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position


def ask_in_process_of_its_own(version_dir, requests):
    """Answers to (signature, inputs) pairs from a process that never imports tensorflow."""
    command = [sys.executable, "-I", __file__, str(version_dir)]
    done = subprocess.run(command, input=pickle.dumps(requests), capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return pickle.loads(done.stdout)


def main():
    session = Session(sys.argv[1])
    requests = pickle.load(sys.stdin.buffer)
    replies = [session.run(signature, inputs) for signature, inputs in requests]
    assert "tensorflow" not in sys.modules
    pickle.dump(replies, sys.stdout.buffer)


if __name__ == "__main__":
    main()
