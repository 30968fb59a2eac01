// SPDX-License-Identifier: MIT
/*
 * A TCG plugin for QEMU: counts the instructions that the one processor of the box executes between
 * two marks (mark.h), by the block of code they are in, and writes them to the file that is its
 * argument 'to': interval NUMBER       the first is 1 ADDRESS COUNT         the block's virtual
 * address and the instructions executed in it; 0: all the small ones end It sees all: Xen, dom0 and
 * guests, kernels and programs. What executes nothing is not counted.
 */
#include "plugin.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mark.h"

int qemu_plugin_version = INTERFACE_VERSION;

/* Blocks by address: open addressing, never emptied. Place 0 stands for what found no place. */
#define PLACES (1U << 18)
#define PROBES 64U

/* Blocks below this share of all are summed up. */
#define SMALL 100000U

static uint64_t address_of[PLACES];
static struct qemu_plugin_scoreboard *counts;
static FILE *output;
static unsigned int interval;

/* place_of: the block's index in address_of and counts */
static size_t place_of(uint64_t address)
{
    uint64_t hash = (address >> 2) * 0x9e3779b97f4a7c15U;

    for (size_t probe = 0; probe < PROBES; probe++) {
        size_t place = 1 + (hash >> 40) % (PLACES - PROBES - 1) + probe;

        if (address_of[place] == 0)
            address_of[place] = address;
        if (address_of[place] == address)
            return place;
    }
    return 0;
}

static void begin(unsigned int processor, void *argument)
{
    (void)argument;
    memset(qemu_plugin_scoreboard_find(counts, processor), 0, PLACES * sizeof(uint64_t));
}

static void end(unsigned int processor, void *argument)
{
    const uint64_t *count = qemu_plugin_scoreboard_find(counts, processor);
    uint64_t total = 0, rest = count[0];

    (void)argument;
    for (size_t place = 0; place < PLACES; place++)
        total += count[place];
    fprintf(output, "interval %u\n", ++interval);
    for (size_t place = 1; place < PLACES; place++) {
        if (count[place] > total / SMALL)
            fprintf(output, "%" PRIx64 " %" PRIu64 "\n", address_of[place], count[place]);
        else
            rest += count[place];
    }
    fprintf(output, "0 %" PRIu64 "\nend\n", rest);
    fflush(output);
}

static void look_for_marks(const struct qemu_plugin_tb *block)
{
    for (size_t index = 0; index < qemu_plugin_tb_n_insns(block); index++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, index);
        uint32_t code = 0;

        qemu_plugin_insn_data(instruction, &code, sizeof(code));
        if (code == MARK_INSTRUCTION(MARK_BEGIN))
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, begin, QEMU_PLUGIN_CB_NO_REGS,
                                                   NULL);
        else if (code == MARK_INSTRUCTION(MARK_END))
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, end, QEMU_PLUGIN_CB_NO_REGS, NULL);
    }
}

static void translated(uint64_t id, struct qemu_plugin_tb *block)
{
    qemu_plugin_u64 entry = {counts, place_of(qemu_plugin_tb_vaddr(block)) * sizeof(uint64_t)};

    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(block, QEMU_PLUGIN_INLINE_ADD_U64, entry,
                                                      qemu_plugin_tb_n_insns(block));
    look_for_marks(block);
}

int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "to=", 3) != 0) {
        fprintf(stderr, "count: needs to=FILE\n");
        return -1;
    }
    output = fopen(argv[0] + 3, "we");
    if (!output) {
        perror(argv[0] + 3);
        return -1;
    }
    counts = qemu_plugin_scoreboard_new(PLACES * sizeof(uint64_t));
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
