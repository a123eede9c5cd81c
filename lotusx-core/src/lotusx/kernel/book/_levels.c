/* One side of a ladder in C: keys that ascend towards the best price, and the exchange's own two texts behind each.

   It orders what a double orders exactly: plain numbers of at most 15 significant digits, and whole ones up to 9e15. The
   double of such a text is one division of two exact numbers: the one that Python's float() makes. Anything else `apply`
   answers with False, and the ladder turns to Python (half.py, which also does all of this where there was no compiler).
   No price leaves here but as the text that came in.

   The stable ABI of Python 3.11. Holds no Python objects; the interpreter's lock guards it. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <float.h>
#include <stdint.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0
#error "doubles must be doubles: where registers are wider, one price could have two keys"
#endif

#define TEXT 54 /* for both texts: a level takes 68 bytes with its key and slot */
#define LARGEST 9e15
#define MOST_CHARACTERS 19 /* of a number: its digits fit 64 bits */
#define MOST_DECIMALS 22 /* powers of ten up to here are exact */
#define MOST_DIGITS 1000000000000000u /* 10^15 */
#define LEVEL_SIZE (Py_ssize_t)(sizeof(double) + sizeof(uint32_t) + sizeof(Level))
#define ROOM 32 /* levels at first */

typedef struct {
    unsigned char price, quantity; /* lengths of the texts */
    char text[TEXT];
} Level;

typedef struct {
    PyObject_HEAD
    double *keys;    /* ascending */
    uint32_t *slots; /* of the level behind each key, in `levels`; from `used` on those that are free */
    Level *levels;
    Py_ssize_t used, room;
    double sign;  /* 1: bids, -1: asks */
    double floor; /* nothing new below this key */
} Levels;

static const double TENS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* ------------------------------------------------------------------------------------------------------- numbers */

/* Read digits with at most one point among them. False: not that, or not ordered exactly by a double. */
static int read_number(const char *text, Py_ssize_t length, double *value)
{
    const char *at = text, *end = text + length, *point = memchr(text, '.', (size_t)length);
    uint64_t digits = 0;
    unsigned int digit;
    Py_ssize_t decimals = 0;
    if (length == 0 || (length == 1 && point != NULL))
        return 0;
    if (length > MOST_CHARACTERS) { /* zeros at both ends may be all that is too much */
        while (point != NULL && end > point + 1 && end[-1] == '0')
            end--;
        while (at < end && (*at == '0' || at == point))
            at++;
        if (end - at > MOST_CHARACTERS)
            return 0;
    }
    for (; at < end; at++) {
        if ((digit = (unsigned int)(unsigned char)*at - '0') <= 9)
            digits = digits * 10 + digit;
        else if (at != point)
            return 0;
    }
    if (point != NULL && (decimals = end - point - 1) > MOST_DECIMALS)
        return 0;
    if (digits >= MOST_DIGITS && (decimals > 0 || digits > (uint64_t)LARGEST)) {
        for (; decimals > 0 && digits % 10 == 0; decimals--)
            digits /= 10;
        if (digits >= MOST_DIGITS && (decimals > 0 || digits > (uint64_t)LARGEST))
            return 0;
    }
    *value = decimals ? (double)digits / TENS[decimals] : (double)digits;
    return 1;
}

/* Whether such digits are more than 0; -1: they are none. */
static int is_more(const char *text, Py_ssize_t length)
{
    unsigned int some = 0, points = 0;
    for (Py_ssize_t at = 0; at < length; at++) {
        unsigned int digit = (unsigned int)(unsigned char)text[at] - '0';
        if (digit <= 9)
            some |= digit;
        else if (text[at] != '.' || points++)
            return -1;
    }
    return length <= (Py_ssize_t)points ? -1 : some != 0;
}

/* ---------------------------------------------------------------------------------------------------- the levels */

/* Return where the key is, or would stand. */
static Py_ssize_t find(const Levels *self, double key)
{
    const double *from = self->keys;
    Py_ssize_t left = self->used;
    while (left > 1) {
        Py_ssize_t half = left / 2;
        from += half & -(Py_ssize_t)(from[half - 1] < key); /* no branch: nobody could predict it */
        left -= half;
    }
    return from - self->keys + (left == 1 && *from < key);
}

static int grow(Levels *self)
{
    Py_ssize_t room = self->room ? self->room + self->room / 2 : ROOM;
    double *keys = PyMem_Realloc(self->keys, (size_t)room * sizeof(double));
    self->keys = keys != NULL ? keys : self->keys;
    uint32_t *slots = PyMem_Realloc(self->slots, (size_t)room * sizeof(uint32_t));
    self->slots = slots != NULL ? slots : self->slots;
    Level *levels = PyMem_Realloc(self->levels, (size_t)room * sizeof(Level));
    self->levels = levels != NULL ? levels : self->levels;
    if (keys == NULL || slots == NULL || levels == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    for (; self->room < room; self->room++)
        slots[self->room] = (uint32_t)self->room;
    return 1;
}

static int insert(Levels *self, Py_ssize_t at, double key)
{
    if (self->used == self->room && !grow(self))
        return 0;
    size_t count = (size_t)(self->used - at);
    uint32_t slot = self->slots[self->used++];
    memmove(self->keys + at + 1, self->keys + at, count * sizeof(double));
    memmove(self->slots + at + 1, self->slots + at, count * sizeof(uint32_t));
    self->keys[at] = key;
    self->slots[at] = slot;
    return 1;
}

static void delete(Levels *self, Py_ssize_t at)
{
    uint32_t slot = self->slots[at];
    size_t count = (size_t)(--self->used - at);
    memmove(self->keys + at, self->keys + at + 1, count * sizeof(double));
    memmove(self->slots + at, self->slots + at + 1, count * sizeof(uint32_t));
    self->slots[self->used] = slot;
}

/* Borrow the characters of a text. 0: it is none, or one that cannot be encoded; -1: an exception is set. */
static int borrow(PyObject *object, const char **text, Py_ssize_t *length)
{
    if (!PyUnicode_Check(object))
        return 0;
    *text = PyUnicode_AsUTF8AndSize(object, length);
    if (*text != NULL)
        return 1;
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return -1;
    PyErr_Clear(); /* a lone surrogate: no number */
    return 0;
}

/* Set one level. 1: done; 0: not understood; -1: an exception is set. *keep*: one that is there stays as it is. */
static int set(Levels *self, PyObject *pair, int keep)
{
    PyObject *price, *quantity;
    const char *price_text, *quantity_text;
    Py_ssize_t price_length, quantity_length;
    int more, borrowed;
    double value;
    if (pair == NULL)
        return -1; /* somebody shortened the list meanwhile: IndexError */
    if (PyTuple_Check(pair) && PyTuple_Size(pair) == 2) {
        price = PyTuple_GetItem(pair, 0);
        quantity = PyTuple_GetItem(pair, 1);
    }
    else if (PyList_Check(pair) && PyList_Size(pair) == 2) {
        price = PyList_GetItem(pair, 0);
        quantity = PyList_GetItem(pair, 1);
    }
    else
        return 0;
    if ((borrowed = borrow(price, &price_text, &price_length)) != 1 ||
        (borrowed = borrow(quantity, &quantity_text, &quantity_length)) != 1)
        return borrowed;
    if (price_length + quantity_length > TEXT || !read_number(price_text, price_length, &value) ||
        (more = is_more(quantity_text, quantity_length)) < 0 || value <= 0.0 || value > LARGEST)
        return 0;
    double key = self->sign * value;
    Py_ssize_t at = find(self, key);
    int there = at < self->used && self->keys[at] == key;
    if (!more) {
        if (keep)
            return 0; /* what came before it in the list would have to be forgotten */
        if (there)
            delete(self, at);
        return 1;
    }
    if (there && keep)
        return 1;
    if (!there) {
        if (key < self->floor)
            return 1;
        if (!insert(self, at, key))
            return -1;
    }
    Level *level = self->levels + self->slots[at];
    level->price = (unsigned char)price_length;
    level->quantity = (unsigned char)quantity_length;
    memcpy(level->text, price_text, (size_t)price_length);
    memcpy(level->text + price_length, quantity_text, (size_t)quantity_length);
    return 1;
}

static PyObject *apply(Levels *self, PyObject *pairs)
{
    int done = 1;
    PyObject *list = PyList_Check(pairs) ? Py_NewRef(pairs) : PySequence_List(pairs);
    if (list == NULL)
        return NULL;
    Py_ssize_t at, count = PyList_Size(list);
    if (self->used == 0) { /* best first, as exchanges list them: from its end each goes to the end; the later counts */
        for (at = count - 1; done == 1 && at >= 0; at--)
            done = set(self, PyList_GetItem(list, at), 1);
        if (done == 0) {
            self->used = 0;
            done = 1;
        }
        else
            count = 0;
    }
    for (at = 0; done == 1 && at < count; at++)
        done = set(self, PyList_GetItem(list, at), 0);
    Py_DecRef(list);
    return done < 0 ? NULL : PyBool_FromLong(done);
}

static PyObject *pair_at(const Levels *self, Py_ssize_t at)
{
    const Level *level = self->levels + self->slots[at];
    PyObject *price = PyUnicode_FromStringAndSize(level->text, level->price);
    PyObject *quantity = PyUnicode_FromStringAndSize(level->text + level->price, level->quantity);
    PyObject *pair = price == NULL || quantity == NULL ? NULL : PyTuple_Pack(2, price, quantity);
    Py_XDECREF(price);
    Py_XDECREF(quantity);
    return pair;
}

static PyObject *best(Levels *self, PyObject *Py_UNUSED(ignored))
{
    return self->used ? pair_at(self, self->used - 1) : Py_NewRef(Py_None);
}

/* Return how many levels None or a number of them means. False: an exception is set. */
static int asked(const Levels *self, PyObject *object, Py_ssize_t *count)
{
    Py_ssize_t wanted = object == Py_None ? PY_SSIZE_T_MAX : PyNumber_AsSsize_t(object, NULL);
    if (wanted == -1 && PyErr_Occurred())
        return 0;
    *count = wanted > self->used ? self->used : wanted; /* looked at last: a number of one's own may do anything */
    if (*count < 0)
        *count = 0;
    return 1;
}

static PyObject *top(Levels *self, PyObject *object)
{
    Py_ssize_t count;
    if (!asked(self, object, &count))
        return NULL;
    PyObject *list = PyList_New(count);
    for (Py_ssize_t at = 0; list != NULL && at < count; at++) {
        PyObject *pair = NULL;
        if (at < self->used)
            pair = pair_at(self, self->used - 1 - at);
        else /* collecting garbage may run anybody's code */
            PyErr_SetString(PyExc_RuntimeError, "levels changed while they were read");
        if (pair == NULL || PyList_SetItem(list, at, pair) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *trim(Levels *self, PyObject *object)
{
    Py_ssize_t count;
    if (!asked(self, object, &count))
        return NULL;
    Py_ssize_t gone = self->used - count;
    for (Py_ssize_t at = 0; gone && at < count; at++) {
        uint32_t slot = self->slots[at];
        self->keys[at] = self->keys[at + gone];
        self->slots[at] = self->slots[at + gone];
        self->slots[at + gone] = slot;
    }
    self->used = count;
    Py_RETURN_NONE;
}

static PyObject *count(Levels *self, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromSsize_t(self->used);
}

static PyObject *set_floor(Levels *self, PyObject *object)
{
    double price = 0.0;
    if (object != Py_None) {
        const char *text;
        Py_ssize_t length;
        int borrowed = borrow(object, &text, &length);
        if (borrowed < 0)
            return NULL;
        if (!borrowed || !read_number(text, length, &price)) {
            PyErr_SetString(PyExc_ValueError, "a floor is the price of a level, or None");
            return NULL;
        }
        self->floor = self->sign * price;
    }
    else
        self->floor = self->sign > 0 ? 0.0 : -2 * LARGEST;
    Py_RETURN_NONE;
}

static PyObject *size_of(Levels *self, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromSsize_t((Py_ssize_t)sizeof(Levels) + self->room * LEVEL_SIZE);
}

/* ------------------------------------------------------------------------------------------------------- the type */

static PyObject *make(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    static char *known[] = {"descending", NULL};
    int descending;
    if (!PyArg_ParseTupleAndKeywords(arguments, names, "$p:Levels", known, &descending))
        return NULL;
    Levels *self = (Levels *)PyType_GenericAlloc(type, 0);
    if (self != NULL) {
        self->sign = descending ? 1.0 : -1.0;
        self->floor = descending ? 0.0 : -2 * LARGEST;
    }
    return (PyObject *)self;
}

static void drop(Levels *self)
{
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    PyMem_Free(self->keys);
    PyMem_Free(self->slots);
    PyMem_Free(self->levels);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DecRef((PyObject *)type);
}

static PyMethodDef methods[] = {
    {"apply", (PyCFunction)apply, METH_O, "Set absolute quantities; False: one is not understood, those before it are set."},
    {"best", (PyCFunction)best, METH_NOARGS, "Return the best level; None: there is none."},
    {"top", (PyCFunction)top, METH_O, "Return the best levels, best first; None: all."},
    {"trim", (PyCFunction)trim, METH_O, "Forget all but the best levels."},
    {"count", (PyCFunction)count, METH_NOARGS, "Return how many levels there are."},
    {"set_floor", (PyCFunction)set_floor, METH_O, "Keep nothing deeper than this price; None: keep everything."},
    {"__sizeof__", (PyCFunction)size_of, METH_NOARGS, "Return how many bytes it holds."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One side of a ladder."},
    {Py_tp_new, make},
    {Py_tp_dealloc, drop},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"lotusx.kernel.book._levels.Levels", sizeof(Levels), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

static int fill(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&spec);
    if (type == NULL)
        return -1;
    int failed = PyModule_AddObjectRef(module, "Levels", type);
    Py_DecRef(type);
    return failed;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, fill}, {0, NULL}};

static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_levels", "One side of a ladder, in C.", 0, NULL, module_slots,
                             NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__levels(void)
{
    return PyModuleDef_Init(&module);
}
