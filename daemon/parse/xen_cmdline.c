/* SPDX-License-Identifier: MIT */
#include "parse/xen_cmdline.h"

#include <string.h>

struct word {
    const char *text;
    size_t length;
};

struct flags {
    bool strict, passthrough, unclear, graphics_off, quarantine_off;
};

static bool equals(struct word word, const char *name)
{
    return strlen(name) == word.length && memcmp(word.text, name, word.length) == 0;
}

/* The same but for '_' in place of '-': some Xen may take it for the name, 4.17 and 4.20 do not. */
static bool resembles(struct word word, const char *name)
{
    size_t i;

    for (i = 0; i < word.length && name[i]; i++)
        if ((word.text[i] == '_' ? '-' : word.text[i]) != name[i])
            return false;
    return i == word.length && !name[i];
}

static bool equals_any(struct word word, const char *const *names)
{
    for (; *names; names++)
        if (equals(word, *names))
            return true;
    return false;
}

/* Cuts the next piece off *rest, up to a character of separators. False at the end. */
static bool next(struct word *rest, const char *separators, struct word *piece)
{
    size_t i = 0;

    while (i < rest->length && strchr(separators, rest->text[i]))
        i++;
    rest->text += i;
    rest->length -= i;
    if (!rest->length)
        return false;
    for (i = 0; i < rest->length && !strchr(separators, rest->text[i]); i++)
        ;
    *piece = (struct word){rest->text, i};
    rest->text += i;
    rest->length -= i;
    return true;
}

/* Xen's parse_boolean(): "NAME", "no-NAME", "NAME=yes" and so on.
 * 1 or 0 for its value, -1 when the word is not about NAME, -2 when its value makes no sense. */
static int boolean(struct word word, const char *name)
{
    static const char *const yes[] = {"yes", "on", "true", "enable", "1", NULL};
    static const char *const no[] = {"no", "off", "false", "disable", "0", NULL};
    const char *sign = memchr(word.text, '=', word.length);
    struct word key = {word.text, sign ? (size_t)(sign - word.text) : word.length};
    bool negated = key.length > 3 && strncmp(key.text, "no-", 3) == 0;

    if (negated) {
        key.text += 3;
        key.length -= 3;
    }
    if (!equals(key, name))
        return resembles(key, name) ? -2 : -1;
    if (!sign)
        return !negated;
    if (negated)
        return -2;
    key = (struct word){sign + 1, word.length - (size_t)(sign + 1 - word.text)};
    return equals_any(key, yes) ? 1 : equals_any(key, no) ? 0 : -2;
}

static bool take(struct word word, const char *name, bool *value, bool *unclear)
{
    int result = boolean(word, name);

    if (result == -1)
        return false;
    if (result == -2)
        *unclear = true;
    else
        *value = result;
    return true;
}

static void parse_dom0_iommu(struct word list, struct flags *flags)
{
    struct word word;
    bool ignored;

    while (next(&list, ",", &word)) {
        if (take(word, "strict", &flags->strict, &flags->unclear) ||
            take(word, "passthrough", &flags->passthrough, &flags->unclear) ||
            take(word, "map-inclusive", &ignored, &flags->unclear) ||
            take(word, "map-reserved", &ignored, &flags->unclear))
            continue;
        /* "none", and what a later Xen may add. */
        flags->unclear = true;
    }
}

/* Only what concerns dom0's mapping; the rest of this list is Xen's business. */
static void parse_iommu(struct word list, struct flags *flags)
{
    struct word word;
    bool igfx, quarantine;

    /* An older Xen took it for a separator. */
    if (memchr(list.text, ';', list.length))
        flags->unclear = true;
    while (next(&list, ",", &word)) {
        igfx = !flags->graphics_off;
        quarantine = !flags->quarantine_off;
        if (take(word, "dom0-strict", &flags->strict, &flags->unclear) ||
            take(word, "dom0-passthrough", &flags->passthrough, &flags->unclear))
            continue;
        if (take(word, "igfx", &igfx, &flags->unclear))
            flags->graphics_off = !igfx;
        /* Its other values name a kind of quarantine. */
        if (boolean(word, "quarantine") >= 0 && take(word, "quarantine", &quarantine, &igfx))
            flags->quarantine_off = !quarantine;
    }
}

/* MAX_PARAM_SIZE of Xen's parser: of a longer option it reads the beginning only. */
#define OPTION_MAX 127

static void parse_option(struct word option, struct flags *flags)
{
    const char *sign = memchr(option.text, '=', option.length);
    struct word name = {option.text, sign ? (size_t)(sign - option.text) : option.length};
    struct word value = {"", 0};

    if (sign)
        value = (struct word){sign + 1, option.length - (size_t)(sign + 1 - option.text)};
    if (resembles(name, "dom0-iommu") &&
        (option.length > OPTION_MAX || !equals(name, "dom0-iommu")))
        flags->unclear = true;
    else if (equals(name, "dom0-iommu"))
        parse_dom0_iommu(value, flags);
    else if (equals(name, "iommu"))
        parse_iommu(value, flags);
    else if (equals(name, "hardware_dom") || resembles(name, "hardware-dom"))
        flags->unclear = true; /* dom0 is not the hardware domain then */
    if (equals(name, "iommu") && option.length > OPTION_MAX)
        flags->unclear = true;
}

void xen_cmdline_parse(const char *text, bool truncated, struct xen_cmdline *result)
{
    struct word rest = {text, strlen(text)}, option;
    struct flags flags = {.unclear = truncated};

    while (next(&rest, " ", &option))
        parse_option(option, &flags);
    result->graphics_off = flags.graphics_off;
    result->quarantine_off = flags.quarantine_off || truncated;
    if (flags.passthrough)
        result->dom0_mode = DOM0_PASSTHROUGH;
    else if (flags.unclear)
        result->dom0_mode = DOM0_MODE_UNKNOWN;
    else
        result->dom0_mode = flags.strict ? DOM0_STRICT : DOM0_RELAXED;
}
