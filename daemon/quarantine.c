/* SPDX-License-Identifier: MIT */
#include "quarantine.h"

#include <stdio.h>
#include <string.h>

static const char believed[] = "assignable", doubted[] = "new";

void quarantine_found(struct quarantine *quarantine, uint64_t pass,
                      const struct pci_function *function, const char *remembered)
{
    size_t length = strlen(function->identity);

    *quarantine = (struct quarantine){.since = pass};
    if (!remembered)
        return;
    quarantine->doubtful = !length || strncmp(remembered, function->identity, length) != 0 ||
                           remembered[length] != ' ' ||
                           strcmp(remembered + length + 1, believed) != 0;
}

void quarantine_plugged(struct quarantine *quarantine, uint64_t pass)
{
    *quarantine = (struct quarantine){.since = pass, .doubtful = true};
}

void quarantine_recorded(struct quarantine *quarantine, uint64_t pass,
                         const struct pci_function *function)
{
    if (quarantine->since < pass || !function->again || function->rebound)
        quarantine->doubtful = false;
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
    snprintf(text, QUARANTINE_TEXT_SIZE, "%s %s", function->identity,
             quarantine->doubtful ? doubted : believed);
}
