/* SPDX-License-Identifier: MIT */
/*
 * The driver core in a program without libc: nothing but the header, a way to read XenStore (here a
 * table), and an exit. Built by test_xeniommu_headers.sh; the exit code is the number of the first
 * check that failed.
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

struct verdict {
    enum xeniommu_state state;
    bool skip_swiotlb;
};

static size_t length_of(const char *string)
{
    size_t len = 0;

    while (string[len] != '\0')
        len++;
    return len;
}

/* The platform's part. */
static const char *read_store(const char *path)
{
    size_t i;

    for (i = 0; i < sizeof(store) / sizeof(store[0]); i++)
        if (xeniommu_equal_(path, length_of(path), store[i].path))
            return store[i].value;
    return NULL;
}

static size_t value_length(const char *value)
{
    return value == NULL ? 0 : length_of(value);
}

static struct verdict ask(const char *state_key, const char *swiotlb_key)
{
    const char *generation = read_store(XENIOMMU_DIR "/generation");
    const char *version = read_store(XENIOMMU_DIR "/version");
    const char *status = read_store(XENIOMMU_DIR "/status");
    const char *state = read_store(state_key), *swiotlb = read_store(swiotlb_key);
    struct verdict verdict;

    /* Not as an initialiser, which a compiler may turn into memset(). */
    verdict.state = XENIOMMU_UNKNOWN;
    verdict.skip_swiotlb = false;
    if (generation == NULL || generation != read_store(XENIOMMU_DIR "/generation"))
        return verdict;
    if (version == NULL || !xeniommu_equal_(version, length_of(version), XENIOMMU_ABI_VERSION) ||
        !xeniommu_parse_ready(status, value_length(status)))
        return verdict;
    verdict.state = xeniommu_parse_state(state, value_length(state));
    verdict.skip_swiotlb = xeniommu_parse_skip(verdict.state, swiotlb, value_length(swiotlb));
    return verdict;
}

static struct verdict ask_pci(uint32_t sbdf)
{
    char state[64], swiotlb[64];

    xeniommu_pci_key(sbdf, "state", state, sizeof(state));
    xeniommu_pci_key(sbdf, "swiotlb", swiotlb, sizeof(swiotlb));
    return ask(state, swiotlb);
}

static int check(void)
{
    char state[64], swiotlb[64], path[64];
    struct verdict verdict = ask_pci(0x20);
    uint32_t sbdf = 0;

    if (verdict.state != XENIOMMU_PROTECTED || !verdict.skip_swiotlb)
        return 1;
    verdict = ask_pci(0x28);
    if (verdict.state != XENIOMMU_RELAXED || verdict.skip_swiotlb)
        return 2;
    verdict = ask_pci(0x30);
    if (verdict.state != XENIOMMU_UNKNOWN || verdict.skip_swiotlb)
        return 3;
    xeniommu_dt_key("/soc/video@fe001000,x", "state", state, sizeof(state));
    xeniommu_dt_key("/soc/video@fe001000,x", "swiotlb", swiotlb, sizeof(swiotlb));
    verdict = ask(state, swiotlb);
    if (verdict.state != XENIOMMU_PROTECTED || verdict.skip_swiotlb)
        return 4;
    if (xeniommu_decode_path("soc/video@fe001000_2cx", path, sizeof(path)) != 21)
        return 5;
    if (xeniommu_pci_parse("0000-00-04-0", 12, &sbdf) != 0 || sbdf != 0x20)
        return 6;
    if (!xeniommu_equal_("relaxed", 7, xeniommu_state_name(XENIOMMU_RELAXED)))
        return 7;
    return 0;
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
#elif defined(__aarch64__)
__asm__(".globl _start\n_start: bl run\n");
#endif
