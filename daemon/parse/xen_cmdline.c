/* SPDX-License-Identifier: MIT */
#include "parse/xen_cmdline.h"

#include <string.h>

/* What Xen's parser keeps of one option, MAX_PARAM_SIZE less the end of the string. */
#define OPTION_MAX 127

struct word {
    const char *text;
    size_t length;
};

/* Xen's own variables, with their defaults, and what was not understood. */
struct state {
    bool enable, strict, passthrough, none, qinval;
    enum xen_switch igfx, quarantine, bios_workaround, ats, intremap, map_inclusive, reserved;
    bool unclear;
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
        if ((word.text[i] == '_' ? '-' : word.text[i]) != (name[i] == '_' ? '-' : name[i]))
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

/* Cuts the next piece off *rest, up to a separator. False at the end. */
static bool next(struct word *rest, char separator, struct word *piece)
{
    size_t i = 0;

    while (i < rest->length && rest->text[i] == separator)
        i++;
    if (i == rest->length)
        return false;
    rest->text += i;
    rest->length -= i;
    for (i = 0; i < rest->length && rest->text[i] != separator; i++)
        ;
    *piece = (struct word){rest->text, i};
    rest->text += i;
    rest->length -= i;
    return true;
}

/* Splits "NAME=VALUE" or "NAME"; value->text is NULL for the latter. */
static struct word split(struct word option, struct word *value)
{
    const char *sign = memchr(option.text, '=', option.length);

    *value = (struct word){NULL, 0};
    if (!sign)
        return option;
    *value = (struct word){sign + 1, option.length - (size_t)(sign + 1 - option.text)};
    return (struct word){option.text, (size_t)(sign - option.text)};
}

static bool drop_no(struct word *name)
{
    if (name->length < 3 || memcmp(name->text, "no-", 3) != 0)
        return false;
    name->text += 3;
    name->length -= 3;
    return true;
}

enum parsed { NOT_THIS = -1, NONSENSE = -2 }; /* or 0 or 1 */

/* Xen's parse_bool(). */
static int boolean_value(struct word value)
{
    static const char *const yes[] = {"yes", "on", "true", "enable", "1", NULL};
    static const char *const no[] = {"no", "off", "false", "disable", "0", NULL};

    return equals_any(value, yes) ? 1 : equals_any(value, no) ? 0 : NONSENSE;
}

/* Xen's parse_boolean(), for a word of a list: "NAME", "no-NAME", "NAME=yes" and so on. */
static int boolean_word(struct word word, const char *name)
{
    struct word value, key = split(word, &value);
    bool negated = drop_no(&key);

    if (!equals(key, name))
        return NOT_THIS;
    if (!value.text)
        return !negated;
    return negated ? NONSENSE : boolean_value(value);
}

/* An option of its own that is boolean, OPT_BOOL: here "no-NAME=off" is on. */
static int boolean_option(struct word option, const char *name)
{
    struct word value, key = split(option, &value);
    bool negated = drop_no(&key);
    int result;

    if (!equals(key, name))
        return NOT_THIS;
    result = value.length ? boolean_value(value) : 1;
    return result < 0 ? result : negated ? !result : result;
}

/* What a boolean word does. False when the word is not this one. */
static bool take_bool(struct word word, const char *name, bool *variable, bool *unclear)
{
    int result = boolean_word(word, name);

    if (result == NOT_THIS)
        return false;
    if (result == NONSENSE)
        *unclear = true;
    else
        *variable = result;
    return true;
}

static bool take_switch(struct word word, const char *name, enum xen_switch *variable,
                        bool *unclear)
{
    bool on = false, nonsense = false;

    if (!take_bool(word, name, &on, &nonsense))
        return false;
    if (nonsense)
        *unclear = true;
    else
        *variable = on ? XEN_ON : XEN_OFF;
    return true;
}

static void parse_dom0_iommu(struct word list, struct state *state)
{
    struct word word;
    bool ignored;

    while (next(&list, ',', &word)) {
        if (take_bool(word, "strict", &state->strict, &state->unclear) ||
            take_bool(word, "passthrough", &state->passthrough, &state->unclear) ||
            take_switch(word, "map-inclusive", &state->map_inclusive, &state->unclear) ||
            take_bool(word, "map-reserved", &ignored, &state->unclear))
            continue;
        if (equals(word, "none"))
            state->none = true;
        else
            state->unclear = true; /* what a later Xen may add */
    }
}

/* Words that change nothing here. */
static bool is_harmless(struct word word, bool *unclear)
{
    static const char *const names[] = {
        "force",   "required",      "superpages", "verbose",
        "snoop",   "intpost",       "debug",      "amd-iommu-perdev-intremap",
        "sharept", "crash-disable", NULL,
    };
    bool ignored;

    for (size_t i = 0; names[i]; i++)
        if (take_bool(word, names[i], &ignored, unclear))
            return true;
    return false;
}

static void parse_iommu(struct word list, struct state *state)
{
    struct word word;
    int enable;

    while (next(&list, ',', &word)) {
        enable = boolean_value(word);
        if (enable >= 0)
            state->enable = enable;
        else if (equals(word, "quarantine=scratch-page"))
            state->quarantine = XEN_ON;
        else if (!take_switch(word, "quarantine", &state->quarantine, &state->unclear) &&
                 !take_switch(word, "igfx", &state->igfx, &state->unclear) &&
                 !take_switch(word, "intremap", &state->intremap, &state->unclear) &&
                 !take_switch(word, "workaround_bios_bug", &state->bios_workaround,
                              &state->unclear) &&
                 !take_bool(word, "qinval", &state->qinval, &state->unclear) &&
                 !take_bool(word, "dom0-passthrough", &state->passthrough, &state->unclear) &&
                 !take_bool(word, "dom0-strict", &state->strict, &state->unclear) &&
                 !is_harmless(word, &state->unclear))
            state->unclear = true;
    }
}

/* Options of their own that are boolean: an odd value leaves only this one in doubt. */
static bool take_option(struct word option, const char *name, enum xen_switch *variable)
{
    int result = boolean_option(option, name);

    if (result == NOT_THIS)
        return false;
    *variable = result == NONSENSE ? XEN_UNKNOWN : result ? XEN_ON : XEN_OFF;
    return true;
}

static bool is_zero(struct word value)
{
    return equals(value, "0");
}

/* The lists. "no-NAME" makes Xen hand the word "no" to the list's parser. */
static void parse_list(struct word name, struct word value, bool cut, struct state *state)
{
    bool negated = drop_no(&name);

    if (!resembles(name, "dom0-iommu") && !equals(name, "iommu"))
        return;
    if (negated)
        value = value.length ? (struct word){"?", 1} : (struct word){"no", 2};
    /* Of a longer one Xen reads the beginning; a later Xen may read more. */
    state->unclear = state->unclear || cut;
    if (equals(name, "iommu"))
        parse_iommu(value, state);
    else if (equals(name, "dom0-iommu"))
        parse_dom0_iommu(value, state);
    else
        state->unclear = true;
}

static void parse_option(struct word option, struct state *state)
{
    bool cut = option.length > OPTION_MAX;
    struct word value, name;

    if (cut)
        option.length = OPTION_MAX;
    if (take_option(option, "ats", &state->ats) ||
        take_option(option, "iommu_inclusive_mapping", &state->map_inclusive))
        return;
    name = split(option, &value);
    if (equals(name, "rmrr") || equals(name, "ivmd"))
        state->reserved = XEN_ON;
    parse_list(name, value, cut, state);
    /* dom0 is not the hardware domain then. A number: "no-" in front changes nothing. */
    drop_no(&name);
    if (resembles(name, "hardware_dom") && !is_zero(value))
        state->unclear = true;
}

static void parse_line(const char *text, struct state *state)
{
    struct word rest = {text, strlen(text)}, option;

    while (next(&rest, ' ', &option))
        parse_option(option, state);
}

static enum dom0_mode pv_mode(const struct state *state)
{
    if (state->passthrough && !state->strict)
        return DOM0_PASSTHROUGH;
    if (state->unclear)
        return DOM0_MODE_UNKNOWN;
    return state->strict ? DOM0_STRICT : DOM0_RELAXED;
}

/* Strict is forced upon it, but for "none", a developer's option. */
static enum dom0_mode pvh_mode(const struct state *state)
{
    if (state->unclear)
        return DOM0_MODE_UNKNOWN;
    if (!state->none || state->strict)
        return DOM0_TRANSLATED;
    return state->passthrough ? DOM0_PASSTHROUGH : DOM0_MODE_UNKNOWN;
}

/* Text that is not understood may turn a switch from the better value, not from the worse. */
static enum xen_switch doubt(const struct state *state, enum xen_switch value,
                             enum xen_switch better)
{
    return state->unclear && value == better ? XEN_UNKNOWN : value;
}

/* VT-d cannot remap interrupts without queued invalidation, AMD-Vi has no such switch. */
static enum xen_switch intremap(const struct state *state)
{
    if (!state->enable)
        return XEN_OFF;
    return state->intremap == XEN_ON && !state->qinval ? XEN_UNKNOWN : state->intremap;
}

void xen_cmdline_parse(const struct xen_options *options, struct xen_cmdline *result)
{
    struct state state = {
        .enable = true,
        .qinval = true,
        .igfx = XEN_ON,
        .quarantine = options->quarantine_none ? XEN_OFF : XEN_ON,
        .bios_workaround = XEN_OFF,
        .ats = XEN_OFF,
        .intremap = XEN_ON,
        .map_inclusive = XEN_OFF,
        .reserved = XEN_OFF,
        .unclear = options->cut,
    };

    if (options->builtin)
        parse_line(options->builtin, &state);
    parse_line(options->given, &state);
    *result = (struct xen_cmdline){
        .pv_dom0 = pv_mode(&state),
        .pvh_dom0 = pvh_mode(&state),
        .iommu = doubt(&state, state.enable ? XEN_ON : XEN_OFF, XEN_ON),
        .igfx = doubt(&state, state.igfx, XEN_ON),
        .quarantine = doubt(&state, state.quarantine, XEN_ON),
        .bios_workaround = doubt(&state, state.bios_workaround, XEN_OFF),
        .ats = doubt(&state, state.ats, XEN_OFF),
        .intremap = doubt(&state, intremap(&state), XEN_ON),
        .map_inclusive = doubt(&state, state.map_inclusive, XEN_OFF),
        .reserved = doubt(&state, state.reserved, XEN_OFF),
    };
}
