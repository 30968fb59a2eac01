/* SPDX-License-Identifier: MIT */
#include "quarantine.h"

#include <stdio.h>
#include <string.h>

#include "ownership.h"

static void format(const struct pci_function *function, bool doubtful,
                   char text[QUARANTINE_TEXT_SIZE])
{
    snprintf(text, QUARANTINE_TEXT_SIZE, "%s %s %s", function->identity,
             function->binding[0] ? function->binding : "-", doubtful ? "new" : "assignable");
}

void quarantine_found(struct quarantine *quarantine, uint64_t pass,
                      const struct pci_function *function, const char *remembered)
{
    char believed[QUARANTINE_TEXT_SIZE];

    *quarantine = (struct quarantine){.since = pass, .followed = pass, .over = true};
    if (!remembered)
        return;
    format(function, false, believed);
    quarantine->doubtful =
        !function->identity[0] || !function->binding[0] || strcmp(remembered, believed) != 0;
}

void quarantine_plugged(struct quarantine *quarantine, uint64_t pass,
                        const struct pci_function *function)
{
    *quarantine = (struct quarantine){.since = pass, .followed = pass, .doubtful = true};
    /* A record that came with it in one pass may be of the one before. */
    quarantine->over = function->again || function->lost;
    if (quarantine->over)
        return;
    quarantine->start = QUARANTINE_OF_DRIVER;
    quarantine->unbinds = function->unbinds;
}

static bool is_bound_alike(const struct pci_function *known, const struct pci_function *function)
{
    return strcmp(known->driver, function->driver) == 0 &&
           strcmp(known->binding, function->binding) == 0;
}

/* Nothing happened, or it is bound at last to pciback, as libxl does after it wrote. */
static bool is_quiet(const struct pci_function *known, const struct pci_function *function)
{
    if (known->unbinds != function->unbinds || known->lost != function->lost)
        return false;
    if (!known->driver[0])
        return !function->driver[0] || ownership_is_assignable(function);
    return is_bound_alike(known, function);
}

static void start_anew(struct quarantine *quarantine, const struct pci_function *known)
{
    quarantine->start = ownership_is_assignable(known) ? QUARANTINE_OF_PCIBACK
                        : known->driver[0]             ? QUARANTINE_OF_DRIVER
                                                       : QUARANTINE_OF_NONE;
    quarantine->unbinds = quarantine->times = 0;
}

void quarantine_followed(struct quarantine *quarantine, uint64_t pass,
                         const struct pci_function *known, const struct pci_function *function)
{
    uint32_t unbinds = function->unbinds - known->unbinds;
    bool lost = known->lost != function->lost;

    if (!is_quiet(known, function))
        quarantine->doubtful = true;
    if (quarantine->over)
        start_anew(quarantine, known);
    quarantine->unbinds += unbinds;
    if (lost)
        quarantine->start = QUARANTINE_UNCOUNTED;
    quarantine->owed = function->owed;
    /* Until an unbinding is announced it is not over: it would count as one more, of what has no
     * driver. What libxl wrote before any of this may be known one pass later. */
    quarantine->over = !quarantine->owed && !unbinds && !lost && is_bound_alike(known, function);
    quarantine->followed = pass;
}

void quarantine_seen(struct quarantine *quarantine, uint64_t pass,
                     const struct pci_function *function)
{
    if (quarantine->followed != pass)
        quarantine_followed(quarantine, pass, function, function);
}

/* From pciback and back again it takes an even number of unbindings, from a driver an odd one: with
 * one by hand at the end the number is wrong, even where a late event makes up for that one. */
static bool adds_up(const struct quarantine *quarantine)
{
    bool odd = quarantine->unbinds % 2;

    switch (quarantine->start) {
    case QUARANTINE_UNCOUNTED:
        break;
    case QUARANTINE_OF_PCIBACK:
        return !odd && quarantine->unbinds && quarantine->times >= quarantine->unbinds;
    case QUARANTINE_OF_DRIVER:
        return odd && quarantine->times >= quarantine->unbinds;
    case QUARANTINE_OF_NONE: /* libxl may have yet to write about the unbinding before that */
        return quarantine->times > quarantine->unbinds;
    }
    return false;
}

void quarantine_recorded(struct quarantine *quarantine, const struct pci_function *function,
                         unsigned int times)
{
    quarantine->times += times;
    if (function->driver[0] && !ownership_is_assignable(function))
        return;
    if (adds_up(quarantine))
        quarantine->doubtful = false;
}

bool quarantine_is_settled(const struct quarantine *quarantine)
{
    return quarantine->over || quarantine->owed;
}

void quarantine_released(struct quarantine *quarantine)
{
    quarantine->doubtful = true;
}

void quarantine_assigned(struct quarantine *quarantine)
{
    quarantine->doubtful = false;
}

void quarantine_remember(const struct quarantine *quarantine, const struct pci_function *function,
                         char text[QUARANTINE_TEXT_SIZE])
{
    format(function, quarantine->doubtful, text);
}
