/* Cuts plain text frames out of what a socket brought, in C: the same as `cut_texts` in frames.py, which has the rules
   and does this where there was no compiler. The stable ABI of Python 3.11; keeps nothing between calls. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define TEXT 0x81 /* a final frame of text */

static int is_ascii(const unsigned char *text, Py_ssize_t length)
{
    uint64_t some = 0, eight;
    for (; length >= 8; text += 8, length -= 8) {
        memcpy(&eight, text, 8);
        some |= eight;
    }
    for (; length > 0; text++, length--)
        some |= *text;
    return !(some & 0x8080808080808080u);
}

/* 1: it is; 0: it is not; -1: an exception is set. */
static int is_utf8(const unsigned char *text, Py_ssize_t length)
{
    if (is_ascii(text, length))
        return 1;
    PyObject *decoded = PyUnicode_DecodeUTF8((const char *)text, length, NULL);
    if (decoded != NULL) {
        Py_DecRef(decoded);
        return 1;
    }
    if (!PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        return -1;
    PyErr_Clear();
    return 0;
}

static PyObject *cut_texts(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *object, *messages;
    Py_ssize_t at, cap, size;
    if (!PyArg_ParseTuple(arguments, "SnnO:cut_texts", &object, &at, &cap, &messages))
        return NULL;
    if (!PyList_Check(messages) || at < 0) {
        PyErr_SetString(PyExc_TypeError, "a position and a list of messages are needed");
        return NULL;
    }
    const unsigned char *data = (const unsigned char *)PyBytes_AsString(object);
    size = PyBytes_Size(object);
    while (size - at >= 4 && data[at] == TEXT) {
        Py_ssize_t start = at + 2, length = data[at + 1];
        if (length > 125) {
            start += 2;
            if (length > 126 || (length = (data[at + 2] << 8) + data[at + 3]) < 126)
                break;
        }
        if (size - start < length || length > cap)
            break;
        int good = is_utf8(data + start, length);
        if (good < 0)
            return NULL;
        if (!good)
            break;
        PyObject *message = PyBytes_FromStringAndSize((const char *)data + start, length);
        if (message == NULL || PyList_Append(messages, message) < 0) {
            Py_XDECREF(message);
            return NULL;
        }
        Py_DecRef(message);
        at = start + length;
    }
    return PyLong_FromSsize_t(at);
}

static PyMethodDef functions[] = {
    {"cut_texts", cut_texts, METH_VARARGS, "Cut out complete plain text frames; return where the first other byte stands."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_frames", "Plain text frames, in C.", 0, functions, slots,
                             NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__frames(void)
{
    return PyModuleDef_Init(&module);
}
