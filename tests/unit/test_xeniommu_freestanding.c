/* SPDX-License-Identifier: MIT */
/*
 * The driver core in a program without libc: nothing but the headers, a way to read XenStore (here
 * a table), and an exit. Built by test_xeniommu_freestanding.sh; the exit code is the number of the
 * first check that failed.
 */
#include <xeniommu-schema.h>

struct node {
    const char *path;
    const char *value;
};

static const struct node store[] = {
    {"iommu/version", "1"},
    {"iommu/status", "ready"},
    {"iommu/generation", "12"},
    {"iommu/pci/0000-00-04-0/state", "protected"},
    {"iommu/pci/0000-00-04-0/swiotlb", "skip"},
    {"iommu/pci/0000-00-05-0/state", "relaxed"},
    {"iommu/pci/0000-00-05-0/swiotlb", "skip"},
    {"iommu/dt/soc/video@fe001000_2cx/state", "protected"},
    {"iommu/dt/soc/video@fe001000_2cx/swiotlb", "keep"},
};

/* The platform's part. */
static int read_store(void *arg, const char *path, char *value, size_t size)
{
    int *generation_reads = arg;
    size_t i, j, len;

    for (i = 0; i < sizeof(store) / sizeof(store[0]); i++) {
        for (len = 0; path[len] != '\0';)
            len++;
        if (!xeniommu_equal_(path, len, store[i].path))
            continue;
        for (len = 0; store[i].value[len] != '\0';)
            len++;
        for (j = 0; j < len && j < size; j++)
            value[j] = store[i].value[j];
        if (i == 2 && generation_reads != NULL)
            value[0] = (char)('0' + ++*generation_reads % 10);
        return (int)len;
    }
    return -1;
}

/* Whether asking for the device in key gives these. */
static bool gives(char *key, size_t size, int error, enum xeniommu_state state, bool skip)
{
    struct xeniommu_verdict verdict;

    verdict.state = XENIOMMU_QUARANTINED;
    verdict.skip = !skip;
    return xeniommu_ask(read_store, NULL, key, size, &verdict) == error && verdict.state == state &&
           verdict.skip == skip;
}

static bool gives_pci(uint32_t sbdf, int error, enum xeniommu_state state, bool skip)
{
    char key[64];

    return xeniommu_pci_key(sbdf, NULL, key, sizeof(key)) > 0 &&
           gives(key, sizeof(key), error, state, skip);
}

static int check_codec(void)
{
    char path[64];
    uint32_t sbdf = 0;

    if (xeniommu_decode_path("soc/video@fe001000_2cx", path, sizeof(path)) != 21)
        return 11;
    if (xeniommu_pci_parse("0000-00-04-0", 12, &sbdf) != 0 || sbdf != 0x20)
        return 12;
    if (!xeniommu_equal_("relaxed", 7, xeniommu_state_name(XENIOMMU_RELAXED)))
        return 13;
    if (xeniommu_format_limits(XENIOMMU_LIMIT_ATS, path, sizeof(path)) != 3 ||
        xeniommu_parse_limits(path, 3) != XENIOMMU_LIMIT_ATS)
        return 14;
    return 0;
}

static int check(void)
{
    struct xeniommu_verdict verdict;
    int generation_reads = 0;
    char key[64];

    if (!gives_pci(0x20, 0, XENIOMMU_PROTECTED, true))
        return 1;
    if (!gives_pci(0x28, 0, XENIOMMU_RELAXED, false))
        return 2;
    if (!gives_pci(0x30, XENIOMMU_EABSENT, XENIOMMU_UNKNOWN, false))
        return 3;
    xeniommu_dt_key("/soc/video@fe001000,x", NULL, key, sizeof(key));
    if (!gives(key, sizeof(key), 0, XENIOMMU_PROTECTED, false))
        return 4;
    xeniommu_pci_key(0x20, NULL, key, sizeof(key));
    if (!gives(key, 30, XENIOMMU_ETOOLONG, XENIOMMU_UNKNOWN, false))
        return 5;
    if (xeniommu_ask(read_store, &generation_reads, key, sizeof(key), &verdict) != XENIOMMU_EBUSY ||
        verdict.skip)
        return 6;
    return check_codec();
}

/* Alone, so that its frame can be measured. */
int ask_alone(xeniommu_read_fn *read, void *arg, char *key, size_t size,
              struct xeniommu_verdict *verdict);

int ask_alone(xeniommu_read_fn *read, void *arg, char *key, size_t size,
              struct xeniommu_verdict *verdict)
{
    return xeniommu_ask(read, arg, key, size, verdict);
}

/* Called by _start below, on an aligned stack. */
__attribute__((used, noreturn)) void run(void);

void run(void)
{
#if defined(__x86_64__)
    register long status __asm__("rdi") = check();
    register long number __asm__("rax") = 231;

    __asm__ volatile("syscall" : : "r"(number), "r"(status));
#elif defined(__aarch64__)
    register long status __asm__("x0") = check();
    register long number __asm__("x8") = 94;

    __asm__ volatile("svc 0" : : "r"(number), "r"(status));
#else
#error "no exit for this architecture"
#endif
    __builtin_unreachable();
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start: xor %ebp, %ebp\nand $-16, %rsp\ncall run\n");
#else
__asm__(".globl _start\n_start: mov x29, #0\nbl run\n");
#endif
