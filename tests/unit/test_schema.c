/* SPDX-License-Identifier: MIT */
/* The codec and the verdict parsers of xeniommu-schema.h. */
#include <xeniommu-schema.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POISON          0x5a
#define RANDOM_PATHS    200000
#define COMPONENTS_MAX  4
#define COMPONENT_MAX   12
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *const fields[] = {"state", "swiotlb", "reason", "group",
                                     "owner", "iommu",   "facts",  "limits"};

/* xorshift: the same paths on every run. */
static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* A byte that may be in a node's name, biased towards those that the codec treats specially. */
static char random_byte(uint32_t *seed)
{
    static const char special[] = "__0123456789abcdefgAF-@,.+#~ state";
    uint32_t choice = next_random(seed);
    char c;

    if (choice % 4 != 0)
        return special[choice / 4 % (sizeof(special) - 1)];
    do {
        c = (char)next_random(seed);
    } while (c == '\0' || c == '/');
    return c;
}

static void random_path(uint32_t *seed, char *path)
{
    uint32_t components = 1 + next_random(seed) % COMPONENTS_MAX, len;

    while (components-- > 0) {
        *path++ = '/';
        if (next_random(seed) % 8 == 0) {
            path = stpcpy(path, fields[next_random(seed) % COUNT_OF(fields)]);
            continue;
        }
        for (len = 1 + next_random(seed) % COMPONENT_MAX; len > 0; len--)
            *path++ = random_byte(seed);
    }
    *path = '\0';
}

static bool is_legal_in_xenstore(const char *path)
{
    static const char legal[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/_@";

    return strspn(path, legal) == strlen(path) && strstr(path, "//") == NULL;
}

static bool has_field_component(const char *path)
{
    size_t i;

    while (true) {
        size_t len = strcspn(path, "/");

        for (i = 0; i < COUNT_OF(fields); i++)
            if (len == strlen(fields[i]) && strncmp(path, fields[i], len) == 0)
                return true;
        if (path[len] == '\0')
            return false;
        path += len + 1;
    }
}

static void every_path_survives_encoding(void **state)
{
    char path[128], encoded[400], decoded[128];
    uint32_t seed = 0x1234567;
    int i, encoded_len, decoded_len;

    (void)state;
    for (i = 0; i < RANDOM_PATHS; i++) {
        random_path(&seed, path);
        encoded_len = xeniommu_encode_path(path, encoded, sizeof(encoded));
        assert_int_equal(encoded_len, strlen(encoded));
        assert_true(is_legal_in_xenstore(encoded));
        assert_false(has_field_component(encoded));
        decoded_len = xeniommu_decode_path(encoded, decoded, sizeof(decoded));
        assert_int_equal(decoded_len, strlen(path));
        assert_string_equal(decoded, path);
    }
}

/* Whatever decoding accepts is the one encoding of its path. */
static void only_canonical_encodings_decode(void **state)
{
    static const char alphabet[] = "__2c5f073t/ag-@A,";
    char encoded[16], decoded[32], again[64];
    uint32_t seed = 0x7654321;
    int i, j, len, accepted = 0;

    (void)state;
    for (i = 0; i < RANDOM_PATHS; i++) {
        len = 1 + (int)(next_random(&seed) % (sizeof(encoded) - 1));
        for (j = 0; j < len; j++)
            encoded[j] = alphabet[next_random(&seed) % (sizeof(alphabet) - 1)];
        encoded[len] = '\0';
        if (xeniommu_decode_path(encoded, decoded, sizeof(decoded)) < 0) {
            assert_string_equal(decoded, "");
            continue;
        }
        accepted++;
        assert_true(xeniommu_encode_path(decoded, again, sizeof(again)) > 0);
        assert_string_equal(again, encoded);
    }
    assert_in_range(accepted, 1000, RANDOM_PATHS - 1000);
}

static void encodings_are_as_documented(void **state)
{
    static const struct {
        const char *path, *encoded;
    } cases[] = {
        {"/soc/video@fe001000", "soc/video@fe001000"},
        {"/cpus/cpu-map", "cpus/cpu-map"},
        {"/arm,armv8", "arm_2carmv8"},
        {"/virtio_mmio@a003e00", "virtio_mmio@a003e00"},
        {"/a_b", "a_b"},
        {"/a_bc", "a_5fbc"},
        {"/a_BC", "a_BC"},
        {"/a_", "a_"},
        {"/a_0", "a_0"},
        {"/a_0g", "a_0g"},
        {"/_2c", "_5f2c"},
        {"/_,", "__2c"},
        {"/__ab", "__5fab"},
        {"/state", "_73tate"},
        {"/swiotlb/reason", "_73wiotlb/_72eason"},
        {"/group/owner/iommu", "_67roup/_6fwner/_69ommu"},
        {"/soc/facts", "soc/_66acts"},
        {"/facts@0/factsx", "facts@0/factsx"},
        {"/statex/xstate", "statex/xstate"},
        {"/STATE", "STATE"},
        {"/..", "_2e_2e"},
        {"/\x01\xff", "_01_ff"},
        {"/soc/video@0,1", "soc/video@0_2c1"},
    };
    char encoded[64], decoded[64];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(cases); i++) {
        xeniommu_encode_path(cases[i].path, encoded, sizeof(encoded));
        assert_string_equal(encoded, cases[i].encoded);
        xeniommu_decode_path(cases[i].encoded, decoded, sizeof(decoded));
        assert_string_equal(decoded, cases[i].path);
    }
}

static void malformed_paths_are_refused(void **state)
{
    static const char *const paths[] = {NULL, "",    "/",     "soc", "soc/video",
                                        "//", "/a/", "/a//b", "//a"};
    char out[64];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(paths); i++) {
        memset(out, POISON, sizeof(out));
        assert_int_equal(xeniommu_encode_path(paths[i], out, sizeof(out)), XENIOMMU_EMALFORMED);
        assert_string_equal(out, "");
        memset(out, POISON, sizeof(out));
        assert_int_equal(xeniommu_dt_key(paths[i], "state", out, sizeof(out)), XENIOMMU_EMALFORMED);
        assert_string_equal(out, "");
    }
}

static void malformed_encodings_are_refused(void **state)
{
    static const char *const encodings[] = {
        NULL,        "",          "/",        "/a",        "a/",     "a//b",
        "a.b",       "a,b",       "a b",      "_61",       "_2d",    "_40",
        "_41",       "_30",       "_00",      "_2f",       "a_2fb",  "_5f",
        "_5fa",      "_5f_ab",    "state",    "soc/state", "iommu",  "facts",
        "_74state",  "a_73tate",  "_73tatex", "\xff",      "limits", "soc/limits/a",
        "_6cimitsx", "a_6cimits",
    };
    char out[64];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(encodings); i++) {
        memset(out, POISON, sizeof(out));
        assert_int_equal(xeniommu_decode_path(encodings[i], out, sizeof(out)), XENIOMMU_EMALFORMED);
        assert_string_equal(out, "");
    }
}

/* For every size up to the right one: no byte beyond it is touched, and no part is left. */
static void short_buffers_get_nothing(void **state)
{
    const char path[] = "/soc/state,x", encoded[] = "soc/state_2cx";
    const char key[] = "iommu/dt/soc/state_2cx/reason";
    char out[64];
    size_t size;

    (void)state;
    for (size = 0; size <= sizeof(key); size++) {
        memset(out, POISON, sizeof(out));
        assert_int_equal(xeniommu_encode_path(path, out, size),
                         size < sizeof(encoded) ? XENIOMMU_ETOOLONG : (int)sizeof(encoded) - 1);
        assert_string_equal(size == 0 ? "" : out, size < sizeof(encoded) ? "" : encoded);
        assert_int_equal(out[size], POISON);
        assert_int_equal(xeniommu_decode_path(encoded, out, size),
                         size < sizeof(path) ? XENIOMMU_ETOOLONG : (int)sizeof(path) - 1);
        assert_string_equal(size == 0 ? "" : out, size < sizeof(path) ? "" : path);
        assert_int_equal(out[size], POISON);
        assert_int_equal(xeniommu_dt_key(path, "reason", out, size),
                         size < sizeof(key) ? XENIOMMU_ETOOLONG : (int)sizeof(key) - 1);
        assert_string_equal(size == 0 ? "" : out, size < sizeof(key) ? "" : key);
        assert_int_equal(out[size], POISON);
    }
}

static void keys_are_as_documented(void **state)
{
    char key[64];

    (void)state;
    assert_int_equal(xeniommu_pci_key(0x20, "state", key, sizeof(key)), 28);
    assert_string_equal(key, "iommu/pci/0000-00-04-0/state");
    assert_int_equal(xeniommu_pci_key(0x20, NULL, key, sizeof(key)), 22);
    assert_string_equal(key, "iommu/pci/0000-00-04-0");
    assert_int_equal(xeniommu_pci_key(0x20, "state", key, 28), XENIOMMU_ETOOLONG);
    assert_string_equal(key, "");
    assert_int_equal(xeniommu_dt_key("/soc/a,b", NULL, key, sizeof(key)), 18);
    assert_string_equal(key, "iommu/dt/soc/a_2cb");
}

static void every_pci_address_has_one_name(void **state)
{
    char name[XENIOMMU_PCI_NAME_SIZE], expected[16];
    uint32_t sbdf, parsed, i, seed = 42;

    (void)state;
    for (i = 0; i < 0x20000; i++) {
        sbdf = i <= 0xffff ? i : next_random(&seed);
        memset(name, POISON, sizeof(name));
        xeniommu_pci_name(sbdf, name);
        snprintf(expected, sizeof(expected), "%04x-%02x-%02x-%x", sbdf >> 16, sbdf >> 8 & 0xff,
                 sbdf >> 3 & 0x1f, sbdf & 7);
        assert_string_equal(name, expected);
        parsed = ~sbdf;
        assert_int_equal(xeniommu_pci_parse(name, strlen(name), &parsed), 0);
        assert_int_equal(parsed, sbdf);
    }
}

static void other_pci_names_are_refused(void **state)
{
    static const char *const names[] = {
        "",
        "0000-00-04",
        "0000-00-04-",
        "0000-00-04-00",
        "00000-00-04-0",
        "0000:00:04.0",
        "0000-00-04.0",
        "0000-00_04-0",
        "0000-00-20-0",
        "0000-00-04-8",
        "0000-00-04-f",
        "000A-00-04-0",
        "0000-0g-04-0",
        " 000-00-04-0",
        "0000-00-04-0 ",
        "-000-00-04-0",
        "0000-00-04-\n",
        "0x00-00-04-0",
    };
    uint32_t sbdf = 0xdeadbeef;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(xeniommu_pci_parse(names[i], strlen(names[i]), &sbdf),
                         XENIOMMU_EMALFORMED);
    assert_int_equal(xeniommu_pci_parse(NULL, 12, &sbdf), XENIOMMU_EMALFORMED);
    assert_int_equal(xeniommu_pci_parse("0000-00-04-0", 11, &sbdf), XENIOMMU_EMALFORMED);
    assert_int_equal(sbdf, 0xdeadbeef);
    assert_int_equal(xeniommu_pci_parse("0000-00-04-0/state", 12, &sbdf), 0);
    assert_int_equal(sbdf, 0x20);
}

static void only_the_five_words_are_states(void **state)
{
    static const char *const others[] = {
        "",           "protected\n", "Protected", "protecte",     "protectedx", " protected",
        "PROTECTED",  "1",           "yes",       "unprotecte",   "quarantine", "relaxed ",
        "protected,", "skip",        "ready",     "unprotectedx",
    };
    static const struct {
        enum xeniommu_state state;
        const char *word;
    } words[] = {
        {XENIOMMU_UNKNOWN, "unknown"},         {XENIOMMU_UNPROTECTED, "unprotected"},
        {XENIOMMU_RELAXED, "relaxed"},         {XENIOMMU_PROTECTED, "protected"},
        {XENIOMMU_QUARANTINED, "quarantined"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(words); i++) {
        assert_string_equal(xeniommu_state_name(words[i].state), words[i].word);
        assert_int_equal(xeniommu_parse_state(words[i].word, strlen(words[i].word)),
                         words[i].state);
    }
    for (i = 0; i < COUNT_OF(others); i++)
        assert_int_equal(xeniommu_parse_state(others[i], strlen(others[i])), XENIOMMU_UNKNOWN);
    assert_int_equal(xeniommu_parse_state(NULL, 0), XENIOMMU_UNKNOWN);
    assert_int_equal(xeniommu_parse_state(NULL, 9), XENIOMMU_UNKNOWN);
    assert_int_equal(xeniommu_parse_state("protected", 8), XENIOMMU_UNKNOWN);
    assert_int_equal(xeniommu_parse_state("protected", 10), XENIOMMU_UNKNOWN);
    assert_int_equal(xeniommu_parse_state("protected and more", 9), XENIOMMU_PROTECTED);
    assert_string_equal(xeniommu_state_name((enum xeniommu_state)99), "unknown");
}

static void skip_counts_only_beside_protected(void **state)
{
    static const char *const others[] = {"",    "keep", "SKIP",   "skip ",
                                         "ski", "1",    "skip\n", "skipp"};
    int verdict;
    size_t i;

    (void)state;
    for (verdict = XENIOMMU_UNKNOWN; verdict <= XENIOMMU_QUARANTINED; verdict++) {
        assert_int_equal(xeniommu_parse_skip((enum xeniommu_state)verdict, "skip", 4),
                         verdict == XENIOMMU_PROTECTED);
        for (i = 0; i < COUNT_OF(others); i++)
            assert_false(
                xeniommu_parse_skip((enum xeniommu_state)verdict, others[i], strlen(others[i])));
        assert_false(xeniommu_parse_skip((enum xeniommu_state)verdict, NULL, 4));
    }
}

static void ready_is_one_word(void **state)
{
    static const char *const others[] = {"",        "starting", "stopped", "Ready",
                                         "ready\n", "read",     "readyy",  "1"};
    size_t i;

    (void)state;
    assert_true(xeniommu_parse_ready("ready", 5));
    assert_true(xeniommu_parse_ready("ready or not", 5));
    assert_false(xeniommu_parse_ready("ready", 4));
    assert_false(xeniommu_parse_ready("ready", 6));
    assert_false(xeniommu_parse_ready(NULL, 5));
    for (i = 0; i < COUNT_OF(others); i++)
        assert_false(xeniommu_parse_ready(others[i], strlen(others[i])));
}

/* Bits and tokens are part of the ABI: the daemon writes what drivers of another version read. */
static void limits_are_as_documented(void **state)
{
    static const struct {
        unsigned int limit;
        const char *token;
    } tokens[] = {
        {1, "no-acs"},         {2, "ats"}, {4, "no-intremap"}, {8, "reserved-memory"},
        {16, "map-inclusive"},
    };
    unsigned int others[] = {0, 3, 31, 32, XENIOMMU_LIMIT_UNKNOWN, 1u << 31, ~0u};
    size_t i;

    (void)state;
    assert_string_equal(XENIOMMU_LIMITS_NODE, "limits");
    for (i = 0; i < COUNT_OF(tokens); i++) {
        assert_string_equal(xeniommu_limit_name(tokens[i].limit), tokens[i].token);
        assert_int_equal(xeniommu_parse_limits(tokens[i].token, strlen(tokens[i].token)),
                         tokens[i].limit);
    }
    assert_int_equal(XENIOMMU_LIMIT_MAP_INCLUSIVE, tokens[i - 1].limit);
    for (i = 0; i < COUNT_OF(others); i++)
        assert_null(xeniommu_limit_name(others[i]));
}

static void every_set_of_limits_survives(void **state)
{
    char text[XENIOMMU_LIMITS_SIZE + 1];
    unsigned int limits;
    int len;

    (void)state;
    for (limits = 0; limits < 32; limits++) {
        memset(text, POISON, sizeof(text));
        len = xeniommu_format_limits(limits, text, XENIOMMU_LIMITS_SIZE);
        assert_int_equal(len, strlen(text));
        assert_int_equal(xeniommu_parse_limits(text, strlen(text)), limits);
    }
    assert_string_equal(text, "no-acs ats no-intremap reserved-memory map-inclusive");
    assert_int_equal(len, XENIOMMU_LIMITS_SIZE - 1);
    assert_int_equal(text[XENIOMMU_LIMITS_SIZE], POISON);
    assert_int_equal(xeniommu_format_limits(~0u, text, sizeof(text)), len);
    assert_int_equal(xeniommu_format_limits(XENIOMMU_LIMIT_UNKNOWN, text, sizeof(text)), 0);
    assert_string_equal(text, "");
    assert_int_equal(xeniommu_format_limits(31, text, (size_t)len), XENIOMMU_ETOOLONG);
    assert_string_equal(text, "");
}

/* Whatever is in the node: a limit more, never one less. */
static void other_limits_are_not_dropped(void **state)
{
    static const struct {
        const char *text;
        unsigned int limits;
    } cases[] = {
        {"", 0},
        {" ", 0},
        {"  ats   no-acs ", XENIOMMU_LIMIT_ATS | XENIOMMU_LIMIT_NO_ACS},
        {"ats ats", XENIOMMU_LIMIT_ATS},
        {"ats,no-acs", XENIOMMU_LIMIT_UNKNOWN},
        {"ats\n", XENIOMMU_LIMIT_UNKNOWN},
        {"ats\tno-acs", XENIOMMU_LIMIT_UNKNOWN},
        {"at", XENIOMMU_LIMIT_UNKNOWN},
        {"ATS", XENIOMMU_LIMIT_UNKNOWN},
        {"none", XENIOMMU_LIMIT_UNKNOWN},
        {"no-acs a-newer-one ats",
         XENIOMMU_LIMIT_NO_ACS | XENIOMMU_LIMIT_ATS | XENIOMMU_LIMIT_UNKNOWN},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(xeniommu_parse_limits(cases[i].text, strlen(cases[i].text)),
                         cases[i].limits);
    assert_int_equal(xeniommu_parse_limits(NULL, 0), 0);
    assert_int_equal(xeniommu_parse_limits(NULL, 3), 0);
    assert_int_equal(xeniommu_parse_limits("ats", 4), XENIOMMU_LIMIT_UNKNOWN); /* its NUL */
    assert_int_equal(xeniommu_parse_limits("ats no-acs", 3), XENIOMMU_LIMIT_ATS);
    assert_int_equal(xeniommu_parse_limits("ats no-acs", 9),
                     XENIOMMU_LIMIT_ATS | XENIOMMU_LIMIT_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_survives_encoding),
        cmocka_unit_test(only_canonical_encodings_decode),
        cmocka_unit_test(encodings_are_as_documented),
        cmocka_unit_test(malformed_paths_are_refused),
        cmocka_unit_test(malformed_encodings_are_refused),
        cmocka_unit_test(short_buffers_get_nothing),
        cmocka_unit_test(keys_are_as_documented),
        cmocka_unit_test(every_pci_address_has_one_name),
        cmocka_unit_test(other_pci_names_are_refused),
        cmocka_unit_test(only_the_five_words_are_states),
        cmocka_unit_test(skip_counts_only_beside_protected),
        cmocka_unit_test(ready_is_one_word),
        cmocka_unit_test(limits_are_as_documented),
        cmocka_unit_test(every_set_of_limits_survives),
        cmocka_unit_test(other_limits_are_not_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
