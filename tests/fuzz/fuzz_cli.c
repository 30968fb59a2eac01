/* SPDX-License-Identifier: MIT */
/* What people type and what is published, as hostile bytes, and what xen-iommu prints of it. The
 * first line is DEVICE, and the names of domains 0 and 1, the others are "PATH=VALUE" below the
 * host's tree, or with "~" in front below the own one. */
#include "fuzz.h"

#include <json-c/json.h>
#include <stdio.h>

#include "command.h"
#include "device.h"
#include "device_names.h"
#include "fake_store.h"

#define LINES_MAX 64

/* Names that do not depend on the machine under the test. */
struct device_names *device_names_open(void)
{
    return NULL;
}

void device_names_close(struct device_names *names)
{
    (void)names;
}

char *device_name(struct device_names *names, const struct xeniommu_device *device)
{
    (void)names;
    (void)device;
    return strdup("");
}

char *device_class(struct device_names *names, const struct xeniommu_device *device)
{
    return device_name(names, device);
}

/* Nothing moves a terminal's cursor, colours it or rings its bell: no control characters, in UTF-8
 * neither. */
static bool is_quiet(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if ((c < ' ' && c != '\n') || c == 0x7f)
            return false;
        if (c == 0xc2 && i + 1 < size && ((unsigned char)text[i + 1] & 0xe0) == 0x80)
            return false;
    }
    return true;
}

static void require_json(const char *text, size_t size)
{
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *object;

    require(tokener != NULL);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    object = json_tokener_parse_ex(tokener, text, (int)size);
    require(object && json_tokener_get_error(tokener) == json_tokener_success);
    json_object_put(object);
    json_tokener_free(tokener);
}

/* A program's streams, in memory. */
struct captured {
    FILE *saved, *stream;
    char *text;
    size_t size;
};

static void begin(struct captured *captured, FILE **stream)
{
    captured->text = NULL;
    captured->stream = open_memstream(&captured->text, &captured->size);
    require(captured->stream != NULL);
    captured->saved = *stream;
    *stream = captured->stream;
}

static void end(struct captured *captured, FILE **stream)
{
    *stream = captured->saved;
    require(fclose(captured->stream) == 0);
}

/* Each word may be NULL. */
static void run(const char *command, const char *option, const char *device)
{
    const char *words[] = {"xen-iommu", command, "--", device, NULL};
    const char *more_words[] = {"xen-iommu", command, option, "--", device, NULL};
    const char *const *chosen = option ? more_words : words;
    char *argv[6] = {NULL};
    struct captured out, err;
    int argc = 0, code;

    for (; chosen[argc]; argc++)
        require((argv[argc] = strdup(chosen[argc])) != NULL);
    begin(&out, &stdout);
    begin(&err, &stderr);
    code = run_xen_iommu(argc, argv);
    end(&err, &stderr);
    end(&out, &stdout);
    require(code >= EXIT_FINE && code <= EXIT_NO_DAEMON);
    require(is_quiet(out.text, out.size));
    require(!device || !is_quiet(device, strlen(device)) || is_quiet(err.text, err.size));
    require((code == EXIT_FINE || code == EXIT_NOT_PROTECTED) == (err.size == 0));
    if (option && strcmp(option, "--json") == 0 && out.size)
        require_json(out.text, out.size);
    free(out.text);
    free(err.text);
    while (argc)
        free(argv[--argc]);
}

/* What was understood, written as people do, is understood as the same. */
static void check_device(const char *text)
{
    struct xeniommu_device device, again;
    char buffer[DEVICE_TEXT_SIZE], key[XENIOMMU_KEY_SIZE];

    if (device_parse(text, &device) != 0)
        return;
    require(device_parse(device_format(&device, buffer), &again) == 0);
    require(device.bus == again.bus);
    if (device.bus == XENIOMMU_BUS_DT) {
        require(strcmp(device.path, again.path) == 0 && strcmp(device.path, text) == 0);
        require(xeniommu_encode_path(device.path, key, sizeof(key)) > 0);
    } else {
        require(device.sbdf == again.sbdf);
        require(strlen(text) == strlen("00:04.0") ? strcasecmp(text, buffer + 5) == 0
                                                  : strcasecmp(text, buffer) == 0);
    }
}

static void take_line(struct fuzz_text line)
{
    bool own = line.size && line.bytes[0] == '~';
    char path[256];
    struct fuzz_text value;
    size_t length;

    strcpy(path, own ? XENIOMMU_DIR "/" : XENIOMMU_HOST_DIR "/");
    length = strlen(path);
    line.bytes += own;
    line.size -= own;
    if (fuzz_node(line, path + length, sizeof(path) - length, &value))
        fake_store_set_bytes(path, value.bytes, value.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = {(const char *)data, size}, line = {"", 0};
    static const char *const ways[] = {NULL, "--json"};
    char *device;

    fake_store_reset();
    fake_store_set("domid", "0");
    fuzz_cut(&rest, '\n', &line);
    device = fuzz_string(line);
    fake_store_set("/local/domain/0/name", device);
    fake_store_set("/local/domain/1/name", device);
    for (int i = 0; i < LINES_MAX && fuzz_cut(&rest, '\n', &line); i++)
        take_line(line);
    check_device(device);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        run("list", ways[i], NULL);
        run("status", ways[i], NULL);
        run("check", ways[i], NULL);
        run("show", ways[i], device);
        run("explain", ways[i], device);
    }
    run("list", "--tree", NULL);
    run("list", "--raw", NULL);
    run("list", "--sort=domain", NULL);
    run("graph", NULL, NULL);
    run("metrics", NULL, NULL);
    free(device);
    return 0;
}
