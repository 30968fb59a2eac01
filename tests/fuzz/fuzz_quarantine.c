/* SPDX-License-Identifier: MIT */
/* What an earlier run left in XenStore of an assignable device, as hostile bytes: a line with the
 * device's identity, and the text. It counts only if it is of this very device, and binding. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include "ownership.h"
#include "quarantine.h"

/* Of ownership.c, which needs all the rest. */
bool ownership_is_assignable(const struct pci_function *function)
{
    return strcmp(function->driver, "pciback") == 0;
}

static void check(const struct pci_function *function, const char *text)
{
    struct quarantine found, again;
    char remembered[QUARANTINE_TEXT_SIZE], expected[QUARANTINE_TEXT_SIZE];
    char another[QUARANTINE_TEXT_SIZE + 1];

    quarantine_found(&found, 7, function, text);
    require(found.since == 7);
    snprintf(expected, sizeof(expected), "%s %s assignable", function->identity, function->binding);
    require(found.doubtful == (!function->identity[0] || strcmp(text, expected) != 0));
    /* What is remembered of it is what is found then. */
    quarantine_remember(&found, function, remembered);
    require(memchr(remembered, '\0', sizeof(remembered)) != NULL);
    quarantine_found(&again, 8, function, remembered);
    require(again.doubtful == found.doubtful);
    /* And nothing of it holds for another device. */
    snprintf(another, sizeof(another), "x%s", remembered);
    quarantine_found(&again, 9, function, another);
    require(again.doubtful);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pci_function function = {.sbdf = 0x20, .parent = PCI_NO_SBDF, .physfn = PCI_NO_SBDF};
    struct fuzz_text rest = {(const char *)data, size}, line = {"", 0};
    char *identity, *text;

    fuzz_cut(&rest, '\n', &line);
    identity = fuzz_string(line);
    text = fuzz_string(rest);
    snprintf(function.identity, sizeof(function.identity), "%.*s",
             (int)sizeof(function.identity) - 1, identity);
    snprintf(function.binding, sizeof(function.binding), "77");
    check(&function, text);
    free(identity);
    free(text);
    return 0;
}
