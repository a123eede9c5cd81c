/* Looks at the form of a number in C: `exact` of numbers.py for what nearly every exchange writes, a sign perhaps and digits
   with at most one point. Everything else goes to Python's `exact_interpreted`, which knows the rules and has the errors, and
   does all of this where there was no compiler. The stable ABI of Python 3.11. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#define LONGEST 300 /* digits that are a finite float whatever they are */

/* 1: it is; 0: it is not, or may be; -1: an exception is set. */
static int is_plain(PyObject *object)
{
    Py_ssize_t length, at = 0;
    int digits = 0, points = 0;
    if (!PyUnicode_Check(object))
        return 0;
    const char *text = PyUnicode_AsUTF8AndSize(object, &length);
    if (text == NULL && !PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return -1;
    if (text == NULL) {
        PyErr_Clear(); /* a lone surrogate: no number */
        return 0;
    }
    if (length > LONGEST)
        return 0;
    if (length > 0 && (text[0] == '-' || text[0] == '+'))
        at = 1;
    for (; at < length; at++) {
        if (text[at] >= '0' && text[at] <= '9')
            digits = 1;
        else if (text[at] != '.' || points++)
            return 0;
    }
    return digits;
}

/* Call Python's twin with the same arguments: `count` by place, then those named. */
static PyObject *interpreted(PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PyObject *result = NULL, *twin = NULL, *by_place = PyTuple_New(count), *by_name = PyDict_New();
    PyObject *numbers = PyImport_ImportModule("lotusx.model.numbers");
    if (numbers != NULL)
        twin = PyObject_GetAttrString(numbers, "exact_interpreted");
    int good = twin != NULL && by_place != NULL && by_name != NULL;
    for (Py_ssize_t at = 0; good && at < count; at++)
        good = PyTuple_SetItem(by_place, at, Py_NewRef(arguments[at])) == 0;
    for (Py_ssize_t at = 0; good && names != NULL && at < PyTuple_Size(names); at++)
        good = PyDict_SetItem(by_name, PyTuple_GetItem(names, at), arguments[count + at]) == 0;
    if (good)
        result = PyObject_Call(twin, by_place, by_name);
    Py_XDECREF(numbers);
    Py_XDECREF(twin);
    Py_XDECREF(by_place);
    Py_XDECREF(by_name);
    return result;
}

static PyObject *exact(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    int plain = count == 1 && names == NULL ? is_plain(arguments[0]) : 0;
    if (plain < 0)
        return NULL;
    return plain ? Py_NewRef(arguments[0]) : interpreted(arguments, count, names);
}

static PyMethodDef functions[] = {
    {"exact", (PyCFunction)(void (*)(void))exact, METH_FASTCALL | METH_KEYWORDS,
     "exact($module, text)\n--\n\nVouch that a text is a finite number, and keep it as text until somebody reads it."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_numbers", "The form of numbers, in C.", 0, functions, slots,
                             NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__numbers(void)
{
    return PyModuleDef_Init(&module);
}
