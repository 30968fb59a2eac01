/* SPDX-License-Identifier: MIT */
/*
 * xeniommu-schema.h: the XenStore ABI of xen-iommud, version 1, as code.
 *
 * The names of the nodes, the codec for device addresses and paths, and the parsers that turn what
 * was read into a verdict. Header-only and freestanding: no allocation, no libc call, no state, so
 * that a kernel, Mini-OS, a unikernel or an RTOS can use it with its own way to read XenStore:
 *
 *     1. build the key of the device:  xeniommu_pci_key() or xeniommu_dt_key()
 *     2. read, relative to the own domain's home and in this order: the tree's "generation", its
 *        "version" and "status", the device's nodes, and "generation" once more
 *     3. if the generation moved, start again; else parse what came back:
 *        xeniommu_parse_ready(), xeniommu_parse_state(), xeniommu_parse_skip()
 *
 * Every change of a tree moves its generation in the same transaction, so two equal readings
 * prove that what was read between them stood there together. Without that, a record read just
 * before a downgrade could be paired with a status read after the daemon is ready again.
 *
 * Whoever acts on a verdict drops a safety net, so everything here fails towards "unknown" and
 * "keep": a value that is missing, unknown or malformed never counts as protection.
 *
 * Every function is reentrant and may be called from any context.
 * A name that ends in an underscore is internal to this header.
 */
#ifndef XENIOMMU_SCHEMA_H
#define XENIOMMU_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define XENIOMMU_CAST_(type, value) static_cast<type>(value)
extern "C" {
#else
#define XENIOMMU_CAST_(type, value) ((type)(value))
#endif

/* The value of the "version" node that this header describes. Any other: treat all as unknown. */
#define XENIOMMU_ABI_VERSION "1"

/* A domain's tree, relative to its home (/local/domain/<domid>): what XenStore clients in that
 * domain read by relative path. Holds version, status, generation, pci/ and dt/. */
#define XENIOMMU_DIR "iommu"

/* The host's tree, for dom0 only: as above, by host address, and "iommu" at its top. */
#define XENIOMMU_HOST_DIR "/tool/xen-iommud"

/* Codec errors; both are negative, no function returns another negative value. */
#define XENIOMMU_EMALFORMED (-1) /* the input does not follow the syntax */
#define XENIOMMU_ETOOLONG   (-2) /* the output buffer is too small; nothing usable is in it */

/* Bytes for "SSSS-BB-DD-F" and its NUL. */
#define XENIOMMU_PCI_NAME_SIZE 13

/* Bytes for the longest key that XenStore accepts as a relative path, and its NUL. */
#define XENIOMMU_KEY_SIZE 2049

/* How far a device's DMA is confined. 0 is "unknown", so zeroed memory claims nothing. */
enum xeniommu_state {
    XENIOMMU_UNKNOWN,     /* nothing reliable is known: expect the worst */
    XENIOMMU_UNPROTECTED, /* nothing confines its DMA */
    XENIOMMU_RELAXED,     /* translated, but the mapping covers more than its owner's memory */
    XENIOMMU_PROTECTED,   /* confined by an IOMMU that Xen controls to memory its owner may use */
    XENIOMMU_QUARANTINED, /* belongs to no domain, DMA blocked (host tree only) */
};

/* A bounded output string; full is set once a byte did not fit. */
struct xeniommu_buffer_ {
    char *out;
    size_t size;
    size_t len;
    bool full;
};

static inline struct xeniommu_buffer_ xeniommu_begin_(char *out, size_t size)
{
    const size_t limit = INT32_MAX; /* a length is returned as an int */
    struct xeniommu_buffer_ buffer;

    buffer.out = out;
    buffer.size = size > limit ? limit : size;
    buffer.len = 0;
    buffer.full = false;
    return buffer;
}

static inline void xeniommu_put_char_(struct xeniommu_buffer_ *buffer, char c)
{
    if (buffer->size > buffer->len + 1)
        buffer->out[buffer->len++] = c;
    else
        buffer->full = true;
}

static inline void xeniommu_put_string_(struct xeniommu_buffer_ *buffer, const char *string)
{
    for (; *string != '\0'; string++)
        xeniommu_put_char_(buffer, *string);
}

/* Ends the string; on an error it is made empty, so that half a path cannot pass for a whole. */
static inline int xeniommu_finish_(struct xeniommu_buffer_ *buffer, int error)
{
    if (error == 0 && buffer->full)
        error = XENIOMMU_ETOOLONG;
    if (buffer->size > 0)
        buffer->out[error == 0 ? buffer->len : 0] = '\0';
    return error == 0 ? XENIOMMU_CAST_(int, buffer->len) : error;
}

/* Whether the len bytes at value are exactly the string expected. */
static inline bool xeniommu_equal_(const char *value, size_t len, const char *expected)
{
    size_t i;

    if (value == NULL)
        return false;
    for (i = 0; expected[i] != '\0'; i++)
        if (i == len || value[i] != expected[i])
            return false;
    return i == len;
}

/**
 * xeniommu_state_name - the word that stands for a state in XenStore
 *
 * Returns a constant string: "unprotected", "relaxed", "protected", "quarantined", and "unknown"
 * for XENIOMMU_UNKNOWN and for every value that is none of the enumeration's.
 */
static inline const char *xeniommu_state_name(enum xeniommu_state state)
{
    switch (state) {
    case XENIOMMU_UNPROTECTED:
        return "unprotected";
    case XENIOMMU_RELAXED:
        return "relaxed";
    case XENIOMMU_PROTECTED:
        return "protected";
    case XENIOMMU_QUARANTINED:
        return "quarantined";
    case XENIOMMU_UNKNOWN:
        break;
    }
    return "unknown";
}

/**
 * xeniommu_parse_state - the state that a device's "state" node holds
 * @value: what was read; need not end in NUL; NULL where the node is absent
 * @len: its length in bytes
 *
 * Returns the state if the value is exactly one of the five words, else XENIOMMU_UNKNOWN.
 */
static inline enum xeniommu_state xeniommu_parse_state(const char *value, size_t len)
{
    if (xeniommu_equal_(value, len, "unprotected"))
        return XENIOMMU_UNPROTECTED;
    if (xeniommu_equal_(value, len, "relaxed"))
        return XENIOMMU_RELAXED;
    if (xeniommu_equal_(value, len, "protected"))
        return XENIOMMU_PROTECTED;
    if (xeniommu_equal_(value, len, "quarantined"))
        return XENIOMMU_QUARANTINED;
    return XENIOMMU_UNKNOWN;
}

/**
 * xeniommu_parse_skip - whether swiotlb-xen may be skipped for a device
 * @state: what xeniommu_parse_state() made of the same device's state
 * @swiotlb: what its "swiotlb" node holds; need not end in NUL; NULL where the node is absent
 * @len: its length in bytes
 *
 * Returns true only for exactly "skip" beside XENIOMMU_PROTECTED; everything else means keep.
 */
static inline bool xeniommu_parse_skip(enum xeniommu_state state, const char *swiotlb, size_t len)
{
    return state == XENIOMMU_PROTECTED && xeniommu_equal_(swiotlb, len, "skip");
}

/**
 * xeniommu_parse_ready - whether the daemon stands by what the tree says
 * @status: what the tree's "status" node holds; need not end in NUL; NULL where it is absent
 * @len: its length in bytes
 *
 * Returns true only for exactly "ready". Otherwise every state in the tree counts as unknown.
 */
static inline bool xeniommu_parse_ready(const char *status, size_t len)
{
    return xeniommu_equal_(status, len, "ready");
}

static inline char xeniommu_hex_digit_(uint32_t value)
{
    return "0123456789abcdef"[value & 0xf];
}

/* The value of a lower-case hex digit, or -1. */
static inline int xeniommu_hex_value_(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/**
 * xeniommu_pci_name - the name of a PCI function's directory
 * @sbdf: segment << 16 | bus << 8 | device << 3 | function
 * @name: receives "SSSS-BB-DD-F" in lower-case hex and a NUL
 *
 * Cannot fail: every 32-bit value is an address.
 */
static inline void xeniommu_pci_name(uint32_t sbdf, char name[XENIOMMU_PCI_NAME_SIZE])
{
    name[0] = xeniommu_hex_digit_(sbdf >> 28);
    name[1] = xeniommu_hex_digit_(sbdf >> 24);
    name[2] = xeniommu_hex_digit_(sbdf >> 20);
    name[3] = xeniommu_hex_digit_(sbdf >> 16);
    name[4] = '-';
    name[5] = xeniommu_hex_digit_(sbdf >> 12);
    name[6] = xeniommu_hex_digit_(sbdf >> 8);
    name[7] = '-';
    name[8] = xeniommu_hex_digit_(sbdf >> 7 & 0x1);
    name[9] = xeniommu_hex_digit_(sbdf >> 3);
    name[10] = '-';
    name[11] = xeniommu_hex_digit_(sbdf & 0x7);
    name[12] = '\0';
}

/**
 * xeniommu_pci_parse - the address that a PCI function's directory name stands for
 * @name: the name; need not end in NUL
 * @len: its length in bytes
 * @sbdf: receives the address; untouched on an error
 *
 * Accepts exactly what xeniommu_pci_name() writes.
 *
 * Returns 0, or XENIOMMU_EMALFORMED if the name is not of that form: another length, upper-case
 * or other digits, a device above 1f, a function above 7.
 */
static inline int xeniommu_pci_parse(const char *name, size_t len, uint32_t *sbdf)
{
    uint32_t value = 0;
    size_t i;

    if (name == NULL || len != XENIOMMU_PCI_NAME_SIZE - 1)
        return XENIOMMU_EMALFORMED;
    for (i = 0; i < len; i++) {
        int digit = xeniommu_hex_value_(name[i]);

        if (i == 4 || i == 7 || i == 10) {
            if (name[i] != '-')
                return XENIOMMU_EMALFORMED;
            continue;
        }
        if (digit < 0 || (i == 8 && digit > 1) || (i == 11 && digit > 7))
            return XENIOMMU_EMALFORMED;
        /* The device number has 5 bits, its first digit 1; the function 3. */
        value = value << (i == 8 ? 1 : i == 11 ? 3 : 4) | XENIOMMU_CAST_(uint32_t, digit);
    }
    *sbdf = value;
    return 0;
}

static inline bool xeniommu_is_plain_(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '@';
}

/* Whether a component would collide with a per-device node, of a domain's tree or of the host's. */
static inline bool xeniommu_is_field_(const char *component, size_t len)
{
    return xeniommu_equal_(component, len, "state") || xeniommu_equal_(component, len, "swiotlb") ||
           xeniommu_equal_(component, len, "reason") || xeniommu_equal_(component, len, "group") ||
           xeniommu_equal_(component, len, "owner") || xeniommu_equal_(component, len, "iommu") ||
           xeniommu_equal_(component, len, "facts");
}

/* Bytes up to the next '/' or the end. */
static inline size_t xeniommu_component_len_(const char *path)
{
    size_t len = 0;

    while (path[len] != '\0' && path[len] != '/')
        len++;
    return len;
}

/* Whether an underscore at i and what follows it would read as an escape. */
static inline bool xeniommu_is_escape_(const char *component, size_t len, size_t i)
{
    return len - i > 2 && xeniommu_hex_value_(component[i + 1]) >= 0 &&
           xeniommu_hex_value_(component[i + 2]) >= 0;
}

/* Writes the encoding of byte i of a component to out; returns its length, 1 or 3. */
static inline size_t xeniommu_encode_byte_(const char *component, size_t len, size_t i, char out[3])
{
    uint32_t byte = XENIOMMU_CAST_(unsigned char, component[i]);
    bool plain = component[i] == '_' ? !xeniommu_is_escape_(component, len, i)
                                     : xeniommu_is_plain_(component[i]);

    if (i == 0 && xeniommu_is_field_(component, len))
        plain = false;
    out[0] = plain ? component[i] : '_';
    out[1] = xeniommu_hex_digit_(byte >> 4);
    out[2] = xeniommu_hex_digit_(byte);
    return plain ? 1 : 3;
}

static inline int xeniommu_put_path_(struct xeniommu_buffer_ *buffer, const char *path)
{
    bool first = true;

    if (path == NULL || *path != '/')
        return XENIOMMU_EMALFORMED;
    while (*path != '\0') {
        size_t len = xeniommu_component_len_(++path);
        size_t i, j;

        if (len == 0)
            return XENIOMMU_EMALFORMED;
        if (!first)
            xeniommu_put_char_(buffer, '/');
        for (i = 0; i < len; i++) {
            char encoded[3];
            size_t count = xeniommu_encode_byte_(path, len, i, encoded);

            for (j = 0; j < count; j++)
                xeniommu_put_char_(buffer, encoded[j]);
        }
        first = false;
        path += len;
    }
    return 0;
}

/**
 * xeniommu_encode_path - a device tree path in the form that XenStore accepts
 * @path: the absolute path, "/soc/video@fe001000"; any byte but '/' and NUL may be in a name
 * @out: receives the encoded path and a NUL, "soc/video@fe001000"; empty on an error
 * @size: bytes at @out; XENIOMMU_KEY_SIZE holds every path that XenStore could hold
 *
 * Per component: A-Z a-z 0-9 - @ stand for themselves, as does '_' unless two lower-case hex
 * digits follow; any other byte becomes '_' and its two lower-case hex digits. A component equal
 * to the name of a per-device node gets its first byte encoded as well.
 *
 * Returns the length without the NUL, or
 *   XENIOMMU_EMALFORMED  the path is NULL, relative, the root, or has an empty component
 *   XENIOMMU_ETOOLONG    the result does not fit
 */
static inline int xeniommu_encode_path(const char *path, char *out, size_t size)
{
    struct xeniommu_buffer_ buffer = xeniommu_begin_(out, size);
    int error = xeniommu_put_path_(&buffer, path);

    return xeniommu_finish_(&buffer, error);
}

/* Whether the encoding of a component is the len bytes at encoded, and nothing else. */
static inline bool xeniommu_encodes_to_(const char *component, size_t component_len,
                                        const char *encoded, size_t len)
{
    size_t i, j, pos = 0;

    for (i = 0; i < component_len; i++) {
        char expected[3];
        size_t count = xeniommu_encode_byte_(component, component_len, i, expected);

        if (len - pos < count)
            return false;
        for (j = 0; j < count; j++)
            if (encoded[pos++] != expected[j])
                return false;
    }
    return pos == len;
}

static inline int xeniommu_put_decoded_(struct xeniommu_buffer_ *buffer, const char *encoded,
                                        size_t len)
{
    size_t start = buffer->len, i = 0;

    while (i < len) {
        char byte = encoded[i];
        size_t count = 1;

        if (byte == '_' && xeniommu_is_escape_(encoded, len, i)) {
            byte = XENIOMMU_CAST_(char, xeniommu_hex_value_(encoded[i + 1]) << 4 |
                                            xeniommu_hex_value_(encoded[i + 2]));
            count = 3;
        }
        if (byte == '\0' || byte == '/')
            return XENIOMMU_EMALFORMED;
        xeniommu_put_char_(buffer, byte);
        i += count;
    }
    if (buffer->full)
        return XENIOMMU_ETOOLONG;
    if (!xeniommu_encodes_to_(buffer->out + start, buffer->len - start, encoded, len))
        return XENIOMMU_EMALFORMED;
    return 0;
}

static inline int xeniommu_put_decoded_path_(struct xeniommu_buffer_ *buffer, const char *encoded)
{
    if (encoded == NULL)
        return XENIOMMU_EMALFORMED;
    for (;;) {
        size_t len = xeniommu_component_len_(encoded);
        int error;

        if (len == 0)
            return XENIOMMU_EMALFORMED;
        xeniommu_put_char_(buffer, '/');
        error = xeniommu_put_decoded_(buffer, encoded, len);
        if (error != 0)
            return error;
        encoded += len;
        if (*encoded == '\0')
            return 0;
        encoded++;
    }
}

/**
 * xeniommu_decode_path - the device tree path behind an encoded one
 * @encoded: what xeniommu_encode_path() wrote, below "dt/" in the tree
 * @out: receives the absolute path and a NUL; empty on an error
 * @size: bytes at @out; the encoded path's length + 2 always suffices
 *
 * Returns the length without the NUL, or
 *   XENIOMMU_EMALFORMED  not what xeniommu_encode_path() would write for any path: NULL, an empty
 *                        component, a byte that has to be encoded, an escape that is not needed,
 *                        or one that stands for '/' or NUL
 *   XENIOMMU_ETOOLONG    the result does not fit
 */
static inline int xeniommu_decode_path(const char *encoded, char *out, size_t size)
{
    struct xeniommu_buffer_ buffer = xeniommu_begin_(out, size);
    int error = xeniommu_put_decoded_path_(&buffer, encoded);

    return xeniommu_finish_(&buffer, error);
}

static inline void xeniommu_put_field_(struct xeniommu_buffer_ *buffer, const char *field)
{
    if (field == NULL)
        return;
    xeniommu_put_char_(buffer, '/');
    xeniommu_put_string_(buffer, field);
}

/**
 * xeniommu_pci_key - the path of a PCI function's node, relative to the domain's home
 * @sbdf: the function's address as the domain itself sees it
 * @field: "state", "swiotlb", "reason" or "group"; NULL for the device's directory
 * @out: receives the path and a NUL, "iommu/pci/0000-00-04-0/state"; empty on an error
 * @size: bytes at @out
 *
 * Returns the length without the NUL, or XENIOMMU_ETOOLONG if the result does not fit.
 */
static inline int xeniommu_pci_key(uint32_t sbdf, const char *field, char *out, size_t size)
{
    struct xeniommu_buffer_ buffer = xeniommu_begin_(out, size);
    char name[XENIOMMU_PCI_NAME_SIZE];

    xeniommu_pci_name(sbdf, name);
    xeniommu_put_string_(&buffer, XENIOMMU_DIR "/pci/");
    xeniommu_put_string_(&buffer, name);
    xeniommu_put_field_(&buffer, field);
    return xeniommu_finish_(&buffer, 0);
}

/**
 * xeniommu_dt_key - the path of a device tree device's node, relative to the domain's home
 * @path: the device's absolute path in the device tree
 * @field: "state", "swiotlb", "reason" or "group"; NULL for the device's directory
 * @out: receives the path and a NUL, "iommu/dt/soc/video@fe001000/state"; empty on an error
 * @size: bytes at @out; XENIOMMU_KEY_SIZE holds every path that XenStore could hold
 *
 * Returns the length without the NUL, or XENIOMMU_EMALFORMED or XENIOMMU_ETOOLONG as
 * xeniommu_encode_path() does.
 */
static inline int xeniommu_dt_key(const char *path, const char *field, char *out, size_t size)
{
    struct xeniommu_buffer_ buffer = xeniommu_begin_(out, size);
    int error;

    xeniommu_put_string_(&buffer, XENIOMMU_DIR "/dt/");
    error = xeniommu_put_path_(&buffer, path);
    if (error == 0)
        xeniommu_put_field_(&buffer, field);
    return xeniommu_finish_(&buffer, error);
}

#ifdef __cplusplus
}
#endif

#endif
