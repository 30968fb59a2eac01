/* SPDX-License-Identifier: MIT */
#include "observe/pci_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool pci_addresses_hold(const struct pci_addresses *addresses, uint32_t sbdf)
{
    if (addresses->all)
        return true;
    for (size_t i = 0; i < addresses->count; i++)
        if (addresses->sbdfs[i] == sbdf)
            return true;
    return false;
}

int pci_addresses_add(struct pci_addresses *addresses, uint32_t sbdf)
{
    uint32_t *grown;

    if (pci_addresses_hold(addresses, sbdf))
        return 0;
    grown = reallocarray(addresses->sbdfs, addresses->count + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    addresses->sbdfs = grown;
    addresses->sbdfs[addresses->count++] = sbdf;
    return 0;
}

bool pci_addresses_remove(struct pci_addresses *addresses, uint32_t sbdf)
{
    for (size_t i = 0; i < addresses->count; i++) {
        if (addresses->sbdfs[i] != sbdf)
            continue;
        addresses->sbdfs[i] = addresses->sbdfs[--addresses->count];
        return true;
    }
    return false;
}

void pci_addresses_clear(struct pci_addresses *addresses)
{
    free(addresses->sbdfs);
    *addresses = (struct pci_addresses){NULL, 0, false};
}

/* ------------------------------------------------------------- the table */

/* The index of this address, or of where it belongs. */
static size_t position(const struct pci_topology *topology, uint32_t sbdf)
{
    size_t low = 0, high = topology->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (topology->functions[middle].sbdf < sbdf)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct pci_function *find(const struct pci_table *table, uint32_t sbdf)
{
    size_t at = position(&table->topology, sbdf);

    return at < table->topology.count && table->topology.functions[at].sbdf == sbdf
               ? &table->topology.functions[at]
               : NULL;
}

static int insert(struct pci_table *table, const struct pci_function *function)
{
    struct pci_topology *topology = &table->topology;
    size_t at = position(topology, function->sbdf);

    if (topology->count == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : 64;
        void *grown = reallocarray(topology->functions, capacity, sizeof(*function));

        if (!grown)
            return -ENOMEM;
        topology->functions = grown;
        table->capacity = capacity;
    }
    memmove(&topology->functions[at + 1], &topology->functions[at],
            (topology->count - at) * sizeof(*function));
    topology->functions[at] = *function;
    topology->count++;
    return 0;
}

/* ------------------------------------------------------------- what is counted */

/* Two devices have one identity never; where one is not known, a device that nobody saw go is still
 * the same. */
static bool is_same_device(const struct pci_function *known, const struct pci_function *read,
                           enum pci_news news)
{
    if (known->identity[0] && read->identity[0])
        return strcmp(known->identity, read->identity) == 0;
    return news != PCI_NEWS_MISSED;
}

static void keep_counts(struct pci_function *function, const struct pci_function *known)
{
    function->incarnation = known->incarnation;
    function->events = known->events;
    function->again = known->again;
    function->unbinds = known->unbinds;
    function->lost = known->lost;
    function->late = known->late;
}

/* The kernel takes the driver out of sysfs before it announces that, and another uevent may have
 * the function read in between. had: a driver, or such an unbinding. */
static bool is_owed(const struct pci_function *function, bool had, enum pci_news news)
{
    if (function->driver[0] || news == PCI_NEWS_UNBIND || news == PCI_NEWS_MISSED)
        return false;
    return had || news == PCI_NEWS_BIND;
}

static void take_news(struct pci_function *function, enum pci_news news)
{
    function->owed = is_owed(function, function->owed, news);
    function->events++;
    function->unbinds += news == PCI_NEWS_UNBIND;
    function->lost += news == PCI_NEWS_MISSED;
}

/* An event that is older than the device itself is about another one: it tells nothing of this. Of
 * one that could not be read when it came, events may have been missed. */
static void start_counts(struct pci_table *table, struct pci_function *function, bool replaces,
                         enum pci_news news)
{
    function->again =
        replaces || news == PCI_NEWS_MISSED || pci_addresses_hold(&table->left, function->sbdf);
    function->late = function->again || (!pci_addresses_hold(&table->at_first, function->sbdf) &&
                                         (table->looked || news != PCI_NEWS_NONE));
    function->incarnation = ++table->incarnations;
    function->events = news != PCI_NEWS_NONE;
    function->unbinds = !function->again && news == PCI_NEWS_UNBIND;
    function->owed = is_owed(function, false, news);
    function->lost = pci_addresses_hold(&table->unread, function->sbdf);
}

static int put(struct pci_table *table, const struct pci_function *read, enum pci_news news)
{
    struct pci_function function = *read;
    struct pci_function *known = find(table, read->sbdf);

    if (known && is_same_device(known, read, news)) {
        keep_counts(&function, known);
        function.owed = is_owed(&function, known->owed || known->driver[0], news);
        if (function.caps_unread)
            function.caps = known->caps;
        if (news == PCI_NEWS_NONE && memcmp(known, &function, sizeof(function)) == 0)
            return false;
        take_news(&function, news);
        *known = function;
        return true;
    }
    start_counts(table, &function, known != NULL, news);
    if (!known)
        return insert(table, &function) < 0 ? -ENOMEM : true;
    *known = function;
    return true;
}

static void judge(struct pci_table *table)
{
    table->topology.incomplete = table->unlisted || table->unread.all || table->unread.count;
}

/* Whether what the table holds was read in all its parts. */
static void count_partial(struct pci_table *table)
{
    table->topology.partial = false;
    for (size_t i = 0; i < table->topology.count; i++)
        if (table->topology.functions[i].caps_unread)
            table->topology.partial = true;
}

static bool forget_unread(struct pci_table *table, uint32_t sbdf)
{
    bool was = pci_addresses_remove(&table->unread, sbdf);

    judge(table);
    return was;
}

int pci_table_put(struct pci_table *table, const struct pci_function *read, enum pci_news news)
{
    int rc = put(table, read, news);

    count_partial(table);
    return rc < 0 ? rc : forget_unread(table, read->sbdf) || rc;
}

static void note_left(struct pci_table *table, uint32_t sbdf)
{
    if (pci_addresses_add(&table->left, sbdf) < 0)
        table->left.all = true;
}

bool pci_table_unread(struct pci_table *table, uint32_t sbdf, enum pci_news news)
{
    struct pci_function *known = find(table, sbdf);

    if (pci_addresses_add(&table->unread, sbdf) < 0)
        table->unread.all = true;
    judge(table);
    if (!known && news != PCI_NEWS_NONE)
        /* What is heard of one that nobody saw may be that it is another one by now. */
        note_left(table, sbdf);
    else if (!table->looked)
        /* Without memory for that it counts as late, which is the safe side. */
        (void)pci_addresses_add(&table->at_first, sbdf);
    if (!known || news == PCI_NEWS_NONE)
        return false;
    if (news == PCI_NEWS_MISSED && !known->identity[0])
        start_counts(table, known, true, news);
    else
        take_news(known, news);
    return true;
}

bool pci_table_drop(struct pci_table *table, uint32_t sbdf)
{
    struct pci_topology *topology = &table->topology;
    struct pci_function *known = find(table, sbdf);
    bool was_unread = forget_unread(table, sbdf);

    /* Also one that was never seen may have left something behind. */
    note_left(table, sbdf);
    if (!known)
        return was_unread;
    topology->count--;
    memmove(known, known + 1,
            (size_t)(topology->functions + topology->count - known) * sizeof(*known));
    count_partial(table);
    return true;
}

void pci_table_start(struct pci_table *table)
{
    pci_addresses_clear(&table->unread);
    table->unlisted = false;
    judge(table);
}

void pci_table_unlisted(struct pci_table *table)
{
    table->unlisted = true;
    judge(table);
}

void pci_table_clear(struct pci_table *table)
{
    free(table->topology.functions);
    pci_addresses_clear(&table->left);
    pci_addresses_clear(&table->at_first);
    pci_addresses_clear(&table->unread);
    *table = (struct pci_table){.capacity = 0};
}
