/* SPDX-License-Identifier: MIT */
#include "parse/xen_boot.h"

#include <string.h>

/* One call of Xen's printk() prints no more than its buffer, and then there is no end of the line.
 */
#define PRINTK_MAX 1023

/* A part of a text that has no end of its own. */
struct span {
    const char *text;
    size_t length;
};

static bool equals(struct span span, const char *text)
{
    return span.length == strlen(text) && memcmp(span.text, text, span.length) == 0;
}

static bool drop_prefix(struct span *span, const char *prefix)
{
    size_t length = strlen(prefix);

    if (span->length < length || memcmp(span->text, prefix, length) != 0)
        return false;
    span->text += length;
    span->length -= length;
    return true;
}

/* The next line that has an end; what is behind the last end is left out. */
static bool next_line(struct span *rest, struct span *line)
{
    const char *end = rest->length ? memchr(rest->text, '\n', rest->length) : NULL;

    if (!end)
        return false;
    *line = (struct span){rest->text, (size_t)(end - rest->text)};
    rest->length -= line->length + 1;
    rest->text = end + 1;
    return true;
}

/* ------------------------------------------------------------- the build configuration */

/* Kconfig's string: between quotes, with '\' before '"' and '\'. False when it makes no sense. */
static bool unquote(struct span value, char line[XEN_BUILTIN_SIZE])
{
    size_t used = 0;

    if (value.length < 2 || value.text[0] != '"' || value.text[value.length - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < value.length; i++) {
        char c = value.text[i];

        if (c == '\\')
            c = value.text[++i];
        else if (c == '"')
            return false;
        if (!c || i + 1 >= value.length || used + 1 >= XEN_BUILTIN_SIZE)
            return false;
        line[used++] = c;
    }
    line[used] = '\0';
    return true;
}

static void take_builtin(struct span value, struct xen_build *build, bool *nonsense)
{
    char line[XEN_BUILTIN_SIZE];

    if (build->builtin != BUILTIN_UNKNOWN || !unquote(value, line)) {
        *nonsense = true;
        return;
    }
    memcpy(build->line, line, sizeof(line));
    build->builtin = *line ? BUILTIN_GIVEN : BUILTIN_NONE;
}

void xen_build_parse(const char *text, size_t length, struct xen_build *build)
{
    struct span rest = {text, length}, line;
    bool nonsense = false;

    *build = (struct xen_build){.builtin = BUILTIN_UNKNOWN};
    while (next_line(&rest, &line)) {
        if (drop_prefix(&line, "CONFIG_CMDLINE="))
            take_builtin(line, build, &nonsense);
        else if (equals(line, "CONFIG_CMDLINE_OVERRIDE=y"))
            build->overrides = true;
        else if (equals(line, "CONFIG_IOMMU_QUARANTINE_NONE=y"))
            build->quarantine_none = true;
    }
    if (nonsense) {
        build->builtin = BUILTIN_UNKNOWN;
        build->line[0] = '\0';
    }
}

/* ------------------------------------------------------------- the boot messages */

/* "[2026-01-31 12:00:00.000] ", "[    1.000000] ", "[00000001c0ffee00] ": console_timestamps= */
static void drop_timestamp(struct span *line)
{
    size_t i = 1;

    if (!line->length || line->text[0] != '[')
        return;
    while (i < line->length && memchr("0123456789abcdef.:- ", line->text[i], 20))
        i++;
    if (i + 1 >= line->length || line->text[i] != ']' || line->text[i + 1] != ' ')
        return;
    line->text += i + 2;
    line->length -= i + 2;
}

static enum dom0_mode mode_named(struct span word)
{
    return equals(word, "Relaxed")       ? DOM0_RELAXED
           : equals(word, "Strict")      ? DOM0_STRICT
           : equals(word, "Passthrough") ? DOM0_PASSTHROUGH
                                         : DOM0_MODE_UNKNOWN;
}

/* Xen prints it once. */
static void take_mode(struct span word, struct xen_messages *messages)
{
    enum dom0_mode mode = mode_named(word);

    if (mode == DOM0_MODE_UNKNOWN ||
        (messages->dom0_mode != DOM0_MODE_UNKNOWN && messages->dom0_mode != mode))
        messages->contradictory = true;
    messages->dom0_mode = mode;
}

static void take_intremap(enum xen_switch value, struct xen_messages *messages)
{
    if (messages->intremap != XEN_UNKNOWN && messages->intremap != value)
        value = XEN_OFF;
    messages->intremap = value;
}

static void take_line(struct span line, struct xen_messages *messages)
{
    if (!drop_prefix(&line, "(XEN) "))
        return;
    drop_timestamp(&line);
    if (drop_prefix(&line, " - Dom0 mode: "))
        take_mode(line, messages);
    else if (equals(line, "Interrupt remapping enabled"))
        take_intremap(XEN_ON, messages);
    else if (equals(line, "Interrupt remapping disabled"))
        take_intremap(XEN_OFF, messages);
}

/* Xen prints its built-in line before it obeys any option, whatever loglvl= says, and its version
 * after that; no domain runs then. True when there is no more to find. */
static bool take_early_line(struct span line, bool *only_xen, struct xen_messages *messages)
{
    bool whole = line.length < PRINTK_MAX && !(line.length && memchr(line.text, '\0', line.length));

    if (!drop_prefix(&line, "(XEN) ")) {
        *only_xen = false;
        return false;
    }
    if (drop_prefix(&line, "Built-in command line: ")) {
        if (!whole || !*only_xen)
            return true;
        messages->builtin = BUILTIN_GIVEN;
        memcpy(messages->line, line.text, line.length);
        return true;
    }
    drop_timestamp(&line);
    if (!drop_prefix(&line, "Xen version "))
        return false;
    messages->builtin = BUILTIN_NONE;
    return true;
}

void xen_messages_parse(const char *text, size_t length, bool complete,
                        struct xen_messages *messages)
{
    struct span rest = {text, length}, line;
    bool early = complete, only_xen = true;

    *messages = (struct xen_messages){.builtin = BUILTIN_UNKNOWN};
    if (!complete && !next_line(&rest, &line))
        return;
    while (next_line(&rest, &line)) {
        if (early)
            early = !take_early_line(line, &only_xen, messages);
        take_line(line, messages);
    }
}

/* ------------------------------------------------------------- all together */

static enum dom0_mode same_mode(enum dom0_mode a, enum dom0_mode b)
{
    return a == b ? a : DOM0_MODE_UNKNOWN;
}

static enum xen_switch same(enum xen_switch a, enum xen_switch b)
{
    return a == b ? a : XEN_UNKNOWN;
}

static void merge(struct xen_cmdline *result, const struct xen_cmdline *other)
{
    result->pv_dom0 = same_mode(result->pv_dom0, other->pv_dom0);
    result->pvh_dom0 = same_mode(result->pvh_dom0, other->pvh_dom0);
    result->igfx = same(result->igfx, other->igfx);
    result->quarantine = same(result->quarantine, other->quarantine);
    result->bios_workaround = same(result->bios_workaround, other->bios_workaround);
    result->ats = same(result->ats, other->ats);
    result->intremap = same(result->intremap, other->intremap);
    result->map_inclusive = same(result->map_inclusive, other->map_inclusive);
    result->reserved = same(result->reserved, other->reserved);
    if (other->builtin != result->builtin)
        result->builtin = BUILTIN_UNKNOWN;
}

/* One that tells the built-in line. */
static void hear(const struct xen_boot *boot, const char *builtin, bool *heard,
                 struct xen_cmdline *result)
{
    bool overrides = boot->build && boot->build->overrides;
    struct xen_options options = {
        .builtin = builtin,
        .given = boot->given,
        /* Xen does not even keep a line that it ignores. */
        .cut = boot->given_cut || (overrides && (*boot->given || !builtin)),
        .quarantine_none = boot->build && boot->build->quarantine_none,
    };
    struct xen_cmdline told;

    xen_cmdline_parse(&options, &told);
    told.builtin = !builtin ? BUILTIN_UNKNOWN : *builtin ? BUILTIN_GIVEN : BUILTIN_NONE;
    if (*heard)
        merge(result, &told);
    else
        *result = told;
    *heard = true;
}

static void listen(const struct xen_messages *messages, struct xen_cmdline *result)
{
    enum dom0_mode seen = messages->dom0_mode, pv = result->pv_dom0;

    if (messages->intremap == XEN_OFF)
        result->intremap = XEN_OFF;
    if (!messages->contradictory && (seen == DOM0_MODE_UNKNOWN || seen == pv))
        return;
    /* Xen obeyed something that is not known here, "none" perhaps, which counts for PVH. */
    result->pvh_dom0 = DOM0_MODE_UNKNOWN;
    result->pv_dom0 =
        !messages->contradictory && seen == DOM0_PASSTHROUGH ? seen : DOM0_MODE_UNKNOWN;
}

void xen_boot_conclude(const struct xen_boot *boot, struct xen_cmdline *result)
{
    bool heard = false;

    if (boot->build && boot->build->builtin != BUILTIN_UNKNOWN)
        hear(boot, boot->build->line, &heard, result);
    if (boot->messages && boot->messages->builtin != BUILTIN_UNKNOWN)
        hear(boot, boot->messages->line, &heard, result);
    if (boot->configured)
        hear(boot, boot->configured, &heard, result);
    if (!heard)
        hear(boot, NULL, &heard, result);
    if (boot->messages)
        listen(boot->messages, result);
}
