/* SPDX-License-Identifier: MIT */
#include "fake.h"
#include "textfile.h"

#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

static struct textfile domains_file = {.name = "domains"};
static struct domain *domains;
static size_t domain_count;

static int compare_domains(const void *a, const void *b)
{
    uint32_t x = ((const struct domain *)a)->domid, y = ((const struct domain *)b)->domid;

    return x < y ? -1 : x > y;
}

static uint32_t flag_of_word(const char *word)
{
    static const struct {
        const char *word;
        uint32_t flag;
    } words[] = {
        {"hvm", XEN_DOMINF_hvm_guest}, {"paused", XEN_DOMINF_paused},   {"dying", XEN_DOMINF_dying},
        {"hap", XEN_DOMINF_hap},       {"running", XEN_DOMINF_running},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(word, words[i].word) == 0)
            return words[i].flag;
    if (strncmp(word, "shutdown", 8) == 0) {
        uint32_t reason = word[8] == '=' ? (uint32_t)strtoul(word + 9, NULL, 10) : 0;

        return XEN_DOMINF_shutdown | reason << XEN_DOMINF_shutdownshift;
    }
    return 0;
}

/* Reads one line. Returns false for one that names no domain. */
static bool parse_line(char *line, struct domain *domain)
{
    char *save = NULL, *word = strtok_r(line, " \t\r", &save), *end;
    unsigned long domid = strtoul(word, &end, 10);

    if (*end || domid >= DOMID_FIRST_RESERVED)
        return false;
    domain->domid = (uint32_t)domid;
    domain->flags = domid ? XEN_DOMINF_blocked : XEN_DOMINF_running;
    domain->handle = 0;
    while ((word = strtok_r(NULL, " \t\r", &save))) {
        if (strncmp(word, "handle=", 7) == 0)
            domain->handle = (uint32_t)strtoul(word + 7, NULL, 10);
        domain->flags |= flag_of_word(word);
    }
    return true;
}

struct domain *domains_parse(const char *text, size_t *count)
{
    struct domain *list = malloc(sizeof(*list)), domain;
    size_t used = 1;
    char line[256];

    if (!list)
        return NULL;
    list[0] = (struct domain){.domid = 0, .flags = XEN_DOMINF_running};
    while ((text = textfile_next_line(text, line, sizeof(line)))) {
        struct domain *larger;

        if (!parse_line(line, &domain))
            continue;
        if (domain.domid == 0) {
            list[0] = domain;
            continue;
        }
        larger = realloc(list, (used + 1) * sizeof(*list));
        if (!larger) {
            free(list);
            return NULL;
        }
        list = larger;
        list[used++] = domain;
    }
    qsort(list, used, sizeof(*list), compare_domains);
    *count = used;
    return list;
}

const struct domain *domains_find(const struct domain *list, size_t count, uint32_t domid)
{
    struct domain key = {.domid = domid};

    return bsearch(&key, list, count, sizeof(*list), compare_domains);
}

/* The lock is held. Without memory the hypervisor knows no domain. */
static void refresh(void)
{
    if (!textfile_refresh(&domains_file) && domains)
        return;
    free(domains);
    domain_count = 0;
    domains = domains_parse(domains_file.text, &domain_count);
}

size_t domains_copy(uint32_t first, struct domain *copy, size_t max)
{
    size_t copied = 0;

    fake_lock();
    refresh();
    for (size_t i = 0; i < domain_count && copied < max; i++)
        if (domains[i].domid >= first)
            copy[copied++] = domains[i];
    fake_unlock();
    return copied;
}

bool domain_exists(uint32_t domid)
{
    bool exists;

    fake_lock();
    refresh();
    exists = domains && domains_find(domains, domain_count, domid);
    fake_unlock();
    return exists;
}
