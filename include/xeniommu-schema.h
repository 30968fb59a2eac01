/* SPDX-License-Identifier: MIT */
/*
 * xeniommu-schema.h: the XenStore ABI of xen-iommud, version 1, as code.
 *
 * The nodes' names, the codec for device addresses and paths, and xeniommu_ask(), which makes a
 * verdict of what is published. What even "protected" leaves out is in another node, for those who
 * want more than their DMA confined: see enum xeniommu_limit. Header-only and freestanding: no
 * allocation, no libc, no state, a few hundred bytes of stack, for kernels, Mini-OS, unikernels and
 * RTOSes. A driver brings one function that reads a node (see xeniommu_read_fn), and asks before it
 * starts a device:
 *
 *     struct xeniommu_verdict verdict;
 *     char key[64];                     // XENIOMMU_KEY_SIZE, and not on the stack, for DT paths
 *
 *     xeniommu_pci_key(sbdf, NULL, key, sizeof(key));           // or xeniommu_dt_key()
 *     xeniommu_ask(read_node, NULL, key, sizeof(key), &verdict);
 *     if (verdict.skip)
 *         use_plain_dma();              // else bounce, as without this header
 *
 * A verdict holds until the tree's generation moves: whoever keeps it watches
 * XENIOMMU_DIR "/generation", and asks again at each event.
 *
 * Every change of a tree moves its generation in the same transaction, so two equal readings
 * prove that what was read between them stood there together. Without that, a record read just
 * before a downgrade could be paired with a status read after the daemon is ready again.
 *
 * Whoever acts on a verdict drops a safety net, so everything here fails towards "unknown" and
 * "keep": a value that is missing, unknown or malformed never counts as protection.
 *
 * Every function is reentrant and may be called from any context, xeniommu_ask() where the reading
 * function may be. A name that ends in an underscore is internal to this header.
 */
#ifndef XENIOMMU_SCHEMA_H
#define XENIOMMU_SCHEMA_H

#ifdef __KERNEL__ /* Linux itself */
#include <linux/limits.h>
#include <linux/stddef.h>
#include <linux/types.h>
#else
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

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

/* The host's tree, for dom0 only: as above, by host address, and "iommu", "confirm-interval" and
 * "lock-file" at its top. */
#define XENIOMMU_HOST_DIR "/tool/xen-iommud"

/* The node of the host's tree that names a file in dom0 whose lock (F_GETLK) is held as long as
 * somebody keeps the trees true: a "ready" beside a lock that nobody holds is a dead daemon's. */
#define XENIOMMU_LOCK_NODE "lock-file"

/* Errors; no function returns another negative value. */
#define XENIOMMU_EMALFORMED (-1) /* the input does not follow the syntax */
#define XENIOMMU_ETOOLONG   (-2) /* the output buffer is too small; nothing usable is in it */
#define XENIOMMU_ENOTREADY  (-3) /* no daemon, or it does not stand by what is published */
#define XENIOMMU_EVERSION   (-4) /* published in a version that this header does not know */
#define XENIOMMU_EABSENT    (-5) /* nothing is published of this device */
#define XENIOMMU_EBUSY      (-6) /* changed at every attempt to read it */

/* Bytes for "SSSS-BB-DD-F" and its NUL. */
#define XENIOMMU_PCI_NAME_SIZE 13

/* The node of a device that tells what its state leaves out; see enum xeniommu_limit. */
#define XENIOMMU_LIMITS_NODE "limits"

/* Bytes for all tokens that xeniommu_format_limits() writes, and a NUL. */
#define XENIOMMU_LIMITS_SIZE 53

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

/* What XENIOMMU_PROTECTED and XENIOMMU_RELAXED leave out for a device: DMA that passes through an
 * IOMMU is not the whole of isolation. Bits; the node holds their tokens, separated by blanks, and
 * is absent where none is known, which does not prove that there is none. A limit never makes a
 * verdict stronger. The known ones are 1 << 0 and up, without a gap. */
enum xeniommu_limit {
    /* "no-acs": a peer below the same switch, or in the same multi-function device, can reach it,
     * or it the peer, without passing the IOMMU: ACS is missing on the way. */
    XENIOMMU_LIMIT_NO_ACS = 1 << 0,
    /* "ats": the device may translate addresses itself (PCIe ATS), and the IOMMU does not check
     * requests that it marks as translated: it confines a device that is honest. */
    XENIOMMU_LIMIT_ATS = 1 << 1,
    /* "no-intremap": interrupts are not remapped, so whoever controls the device can make it send
     * any interrupt to any processor. */
    XENIOMMU_LIMIT_NO_INTREMAP = 1 << 2,
    /* "reserved-memory": the firmware demands memory for it (RMRR, IVMD) that may be mapped beside
     * its owner's, and that the firmware itself may use behind the owner's back. */
    XENIOMMU_LIMIT_RESERVED_MEMORY = 1 << 3,
    /* "map-inclusive": of dom0's devices: what is not RAM below 4 GiB is mapped for them as well,
     * the registers of others' devices included. */
    XENIOMMU_LIMIT_MAP_INCLUSIVE = 1 << 4,
    /* Not published: stands for every token that this header does not know. */
    XENIOMMU_LIMIT_UNKNOWN = 1 << 30,
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
    const size_t limit = INT_MAX; /* a length is returned as an int */
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

/**
 * xeniommu_limit_name - the token that stands for a limit in XenStore
 * @limit: one bit of enum xeniommu_limit
 *
 * Returns a constant string, or NULL for XENIOMMU_LIMIT_UNKNOWN and for every value that is not
 * exactly one known bit. So this walks all that are known:
 * for (limit = 1; xeniommu_limit_name(limit) != NULL; limit <<= 1).
 */
static inline const char *xeniommu_limit_name(unsigned int limit)
{
    switch (limit) {
    case XENIOMMU_LIMIT_NO_ACS:
        return "no-acs";
    case XENIOMMU_LIMIT_ATS:
        return "ats";
    case XENIOMMU_LIMIT_NO_INTREMAP:
        return "no-intremap";
    case XENIOMMU_LIMIT_RESERVED_MEMORY:
        return "reserved-memory";
    case XENIOMMU_LIMIT_MAP_INCLUSIVE:
        return "map-inclusive";
    default:
        return NULL;
    }
}

/* The bit of one token. */
static inline unsigned int xeniommu_parse_limit_(const char *token, size_t len)
{
    unsigned int limit;

    for (limit = 1; xeniommu_limit_name(limit) != NULL; limit <<= 1)
        if (xeniommu_equal_(token, len, xeniommu_limit_name(limit)))
            return limit;
    return XENIOMMU_LIMIT_UNKNOWN;
}

/**
 * xeniommu_parse_limits - what a device's "limits" node holds
 * @value: what was read; need not end in NUL; NULL where the node is absent
 * @len: its length in bytes
 *
 * Returns bits of enum xeniommu_limit: one for each token between blanks, XENIOMMU_LIMIT_UNKNOWN
 * among them if any is none of the known, malformed ones included; 0 where there is no token.
 */
static inline unsigned int xeniommu_parse_limits(const char *value, size_t len)
{
    unsigned int limits = 0;
    size_t start, end;

    for (start = 0; value != NULL && start < len; start = end + 1) {
        end = start;
        while (end < len && value[end] != ' ')
            end++;
        if (end > start)
            limits |= xeniommu_parse_limit_(value + start, end - start);
    }
    return limits;
}

/**
 * xeniommu_format_limits - the value of a "limits" node
 * @limits: bits of enum xeniommu_limit; what has no name is left out
 * @out: receives the tokens in the order of their bits, separated by blanks, and a NUL; empty
 *       without any, when the node is not to be written, and on an error
 * @size: bytes at @out; XENIOMMU_LIMITS_SIZE always suffices
 *
 * Returns the length without the NUL, or XENIOMMU_ETOOLONG if the result does not fit.
 */
static inline int xeniommu_format_limits(unsigned int limits, char *out, size_t size)
{
    struct xeniommu_buffer_ buffer = xeniommu_begin_(out, size);
    const char *name;
    unsigned int limit;
    bool first = true;

    for (limit = 1; (name = xeniommu_limit_name(limit)) != NULL; limit <<= 1) {
        if ((limits & limit) == 0)
            continue;
        if (!first)
            xeniommu_put_char_(&buffer, ' ');
        xeniommu_put_string_(&buffer, name);
        first = false;
    }
    return xeniommu_finish_(&buffer, 0);
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
           xeniommu_equal_(component, len, "facts") ||
           xeniommu_equal_(component, len, XENIOMMU_LIMITS_NODE);
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
 * @field: "state", "swiotlb", "reason", "group" or XENIOMMU_LIMITS_NODE; NULL for the directory
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
 * @field: "state", "swiotlb", "reason", "group" or XENIOMMU_LIMITS_NODE; NULL for the directory
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

/* What xeniommu_ask() found. All zero is unknown/keep. */
struct xeniommu_verdict {
    enum xeniommu_state state; /* how far the device's DMA is confined */
    bool skip;                 /* swiotlb-xen may be skipped; false: keep it */
};

/**
 * xeniommu_read_fn - the platform's way to read a XenStore node
 * @arg: what xeniommu_ask() was given
 * @path: the node, relative to the own domain's home, as xenstored takes it
 * @value: receives what it holds; no NUL is needed
 * @size: bytes at @value, 24 or less
 *
 * Returns the node's full length (if that is more than @size, @value is not looked at), or a
 * negative number if it is absent or cannot be read.
 */
typedef int xeniommu_read_fn(void *arg, const char *path, char *value, size_t size);

/* A tree that changes this often in a row, each time within six reads, is not worth waiting for. */
#define XENIOMMU_ASK_ATTEMPTS_ 8

/* Bytes that the longest field needs below a device's directory. */
#define XENIOMMU_FIELD_SIZE_ sizeof("/swiotlb")

/* What a node holds; "" where it is absent or too long to mean anything (a generation has up to 20
 * digits). */
struct xeniommu_value_ {
    char text[25];
    size_t len;
};

/* Returns whether the node is there. */
static inline bool xeniommu_fetch_(xeniommu_read_fn *read, void *arg, const char *path,
                                   struct xeniommu_value_ *value)
{
    const size_t size = sizeof(value->text) - 1;
    int len = read(arg, path, value->text, size);
    bool fits = len > 0 && XENIOMMU_CAST_(size_t, len) <= size;

    value->len = fits ? XENIOMMU_CAST_(size_t, len) : 0;
    value->text[value->len] = '\0';
    return len >= 0;
}

/* Reads the tree's head. 0 if the daemon stands by the tree as of this generation. */
static inline int xeniommu_ask_head_(xeniommu_read_fn *read, void *arg,
                                     struct xeniommu_value_ *generation)
{
    struct xeniommu_value_ value;
    size_t i;

    /* First, so that whatever is read later is not older. */
    xeniommu_fetch_(read, arg, XENIOMMU_DIR "/generation", generation);
    if (!xeniommu_fetch_(read, arg, XENIOMMU_DIR "/version", &value))
        return XENIOMMU_ENOTREADY;
    if (!xeniommu_equal_(value.text, value.len, XENIOMMU_ABI_VERSION))
        return XENIOMMU_EVERSION;
    for (i = 0; i < generation->len; i++)
        if (generation->text[i] < '0' || generation->text[i] > '9')
            return XENIOMMU_ENOTREADY;
    xeniommu_fetch_(read, arg, XENIOMMU_DIR "/status", &value);
    return i > 0 && xeniommu_parse_ready(value.text, value.len) ? 0 : XENIOMMU_ENOTREADY;
}

/* Reads a field of the device whose directory is the first len bytes of key. */
static inline bool xeniommu_ask_field_(xeniommu_read_fn *read, void *arg, char *key, size_t len,
                                       const char *field, struct xeniommu_value_ *value)
{
    size_t i = 0;
    bool present;

    do
        key[len + i] = field[i];
    while (field[i++] != '\0');
    present = xeniommu_fetch_(read, arg, key, value);
    key[len] = '\0';
    return present;
}

/* One attempt. 0, an error of xeniommu_ask(), or XENIOMMU_EBUSY: try again. */
static inline int xeniommu_ask_once_(xeniommu_read_fn *read, void *arg, char *key, size_t len,
                                     struct xeniommu_verdict *verdict)
{
    struct xeniommu_value_ generation, value;
    int error = xeniommu_ask_head_(read, arg, &generation);
    enum xeniommu_state state;
    bool present, skip;

    if (error != 0)
        return error;
    present = xeniommu_ask_field_(read, arg, key, len, "/state", &value);
    state = xeniommu_parse_state(value.text, value.len);
    xeniommu_ask_field_(read, arg, key, len, "/swiotlb", &value);
    skip = xeniommu_parse_skip(state, value.text, value.len);
    xeniommu_fetch_(read, arg, XENIOMMU_DIR "/generation", &value);
    if (!xeniommu_equal_(value.text, value.len, generation.text))
        return XENIOMMU_EBUSY;
    if (!present)
        return XENIOMMU_EABSENT;
    verdict->state = state;
    verdict->skip = skip;
    return 0;
}

/**
 * xeniommu_ask - what is published of a device
 * @read: reads a node
 * @arg: passed to it
 * @key: the device's directory, as xeniommu_pci_key() or xeniommu_dt_key() wrote it with a field of
 *       NULL; fields are appended to it meanwhile
 * @size: bytes at @key: 9 more than the directory's length at least
 * @verdict: receives the verdict; on every error it says unknown and keep
 *
 * All of the verdict stood there together at one moment during the call. A value that is malformed
 * or too long counts as unknown, or as keep.
 *
 * Returns 0, or
 *   XENIOMMU_ENOTREADY  no daemon, or one that is not ready, or nothing can be read
 *   XENIOMMU_EVERSION   the tree's version is not XENIOMMU_ABI_VERSION
 *   XENIOMMU_EABSENT    the daemon is ready and publishes no such device for this domain
 *   XENIOMMU_EBUSY      the tree changed at each of several attempts to read it
 *   XENIOMMU_EMALFORMED @key does not lie in XENIOMMU_DIR: it is empty after a codec's error
 *   XENIOMMU_ETOOLONG   no room in @key for the fields
 */
static inline int xeniommu_ask(xeniommu_read_fn *read, void *arg, char *key, size_t size,
                               struct xeniommu_verdict *verdict)
{
    int attempt, error = XENIOMMU_EBUSY;
    size_t len = 0;

    verdict->state = XENIOMMU_UNKNOWN;
    verdict->skip = false;
    while (len < size && key[len] != '\0')
        len++;
    if (size < XENIOMMU_FIELD_SIZE_ || len > size - XENIOMMU_FIELD_SIZE_)
        return XENIOMMU_ETOOLONG;
    if (len <= sizeof(XENIOMMU_DIR) ||
        !xeniommu_equal_(key, sizeof(XENIOMMU_DIR), XENIOMMU_DIR "/"))
        return XENIOMMU_EMALFORMED;
    for (attempt = 0; error == XENIOMMU_EBUSY && attempt < XENIOMMU_ASK_ATTEMPTS_; attempt++)
        error = xeniommu_ask_once_(read, arg, key, len, verdict);
    return error;
}

#ifdef __cplusplus
}
#endif

#endif
