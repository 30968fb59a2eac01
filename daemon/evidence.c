/* SPDX-License-Identifier: MIT */
#include "evidence.h"

void evidence_changed(struct evidence *evidence, uint64_t pass)
{
    if (evidence->changed < pass)
        evidence->changed = pass;
}

void evidence_answered(struct evidence *evidence, uint64_t pass, uint64_t tick,
                       enum oracle_answer answer, int error)
{
    evidence->answer = error ? ORACLE_NONE : answer;
    evidence->answered = error ? 0 : pass;
    evidence->confirmed = tick;
    evidence->error = error;
}

void evidence_listed(struct evidence *evidence, uint64_t pass, bool complete)
{
    evidence->listed = complete ? pass : 0;
}

bool evidence_is_due(const struct evidence *evidence)
{
    return !evidence->answered || evidence->answered < evidence->changed;
}

bool evidence_list_is_due(const struct evidence *evidence)
{
    return !evidence->listed || evidence->listed < evidence->changed;
}

bool evidence_list_is_older(const struct evidence *evidence, const struct evidence *mate)
{
    return evidence->listed < mate->changed;
}

bool evidence_is_listed(const struct evidence *evidence)
{
    return evidence->listed != 0;
}

bool evidence_is_fresh(const struct evidence *evidence, uint64_t pass)
{
    return !evidence_is_due(evidence) && evidence->answered == pass;
}

bool evidence_is_overtaken(const struct evidence *evidence, uint64_t pass)
{
    return evidence->changed > pass;
}

enum oracle_answer evidence_answer(const struct evidence *evidence)
{
    return evidence_is_due(evidence) ? ORACLE_NONE : evidence->answer;
}

enum oracle_answer evidence_last(const struct evidence *evidence)
{
    return evidence->answered ? evidence->answer : ORACLE_NONE;
}

int evidence_error(const struct evidence *evidence)
{
    return evidence->error;
}

uint64_t evidence_age(const struct evidence *evidence, uint64_t tick)
{
    return tick - evidence->confirmed;
}

enum xen_word evidence_word(enum device_bus bus, enum owner_kind owner, enum oracle_answer answer)
{
    if (answer == ORACLE_NONE)
        return WORD_NONE;
    switch (owner) {
    case OWNER_GUEST:
        return answer == ORACLE_TAKEN ? WORD_FITS : WORD_DENIES;
    case OWNER_DOM0:
        if (bus == BUS_DT && answer == ORACLE_TAKEN)
            return WORD_FITS;
        return answer == ORACLE_FREE ? WORD_FITS : WORD_DENIES;
    case OWNER_NONE:
        return answer == ORACLE_FREE ? WORD_FITS : WORD_DENIES;
    case OWNER_UNKNOWN:
        break;
    }
    /* Whose it is nobody knows; that some guest has it speaks against whatever one may think. */
    return answer == ORACLE_TAKEN ? WORD_DENIES : WORD_NONE;
}
