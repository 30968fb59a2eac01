/* SPDX-License-Identifier: MIT */
/* The publisher's protocol: one device, one domain number that two domains have one after the other,
 * the tree in the home at that number, the daemon, its keeper, and all that may happen between any
 * two steps of theirs. README.md says how it is checked. Beside each step stands the function that
 * takes it. */

#define DOMAINS 2 /* that have the number, one after the other; 0: none */
#define OTHER   9 /* some domain of another number */

/* Of the tree: status, and the device's word. */
#define NONE     0 /* also: no tree */
#define STARTING 1
#define READY    2
#define STOPPED  3
#define UNKNOWN   1
#define PROTECTED 2

/* ---- Xen and XenStore */
byte owner;      /* Xen: which domain has the device, 0: nobody */
byte home;       /* XenStore: whose /local/domain/N stands */
bool record;     /* XenStore: /libxl/pci/BDF/domid names the number */
bool frontend;   /* XenStore: what the guest writes about itself */
byte status;     /* XenStore: ~/iommu/status */
byte word;       /* XenStore: ~/iommu/pci/BDF/state */
byte refusal;    /* what fails of what the daemon writes; 1: transactions, 2: all */
bool home_moved, record_moved; /* since the transaction that is open was begun */

/* ---- processes */
bool event;      /* a watch fired that the daemon has not read */
bool living, stuck, killed, stopping; /* the daemon; killed: by SIGKILL, or a crash */
bool keeping, keeper_killed;
bool marked;     /* in the keeper's page: the tree may hold something */
bool mute;       /* nothing more is learnt of Xen and the homes */

#define BELIEVED (status == READY && word == PROTECTED)
#define TRUE_NOW (owner != 0 && owner == home)

/* ------------------------------------------------------------- toolstack, guest, fate */

inline change_record(to) { d_step { record = to; record_moved = true; event = true } }

inline change_home(to)
{
    d_step {
        home = to; home_moved = true; event = true;
        /* What stands in a home goes with it. */
        status = NONE; word = NONE; frontend = false
    }
}

/* libxl's orders (attach: record, Xen, backend; detach: Xen, record). */
proctype toolstack()
{
    byte domain = 0, attached = 0;

    do
    :: domain < DOMAINS ->
        domain++;
        change_home(domain);
        attached = 0;
        do
        :: attached < 1 -> /* at most one attach a domain keeps the state space small */
            attached++;
            change_record(true);
            owner = home;
            event = true; /* backend/pci: dev-0, in one transaction */
            if
            :: skip;
            :: /* detach */
                owner = 0;
                change_record(false)
            fi
        :: attached < 1 -> attached++; owner = OTHER
        :: break
        od;
        if
        :: break /* it lives on */
        :: skip  /* destroy */
        fi;
        if
        :: owner == OTHER -> owner = 0
        :: owner != OTHER && owner != 0 -> owner = 0; change_record(false)
        :: else
        fi;
        change_home(0)
    :: break
    od
}

/* Nothing that it writes is a fact. */
proctype guest()
{
    if
    :: home != 0 -> frontend = true
    :: skip
    fi
}

/* One blow in a run: that is all that is promised against. */
proctype fate()
{
    if
    :: skip
    :: living -> killed = true     /* SIGKILL, a crash, out of memory */
    :: living -> stuck = true
    :: living -> stopping = true   /* SIGTERM */
    :: keeping -> keeper_killed = true
    :: refusal = 1                 /* for good */
    :: refusal = 1 -> d_step { refusal = 0; event = true } /* a timer: daemon.c next_backoff() */
    :: refusal = 2
    :: mute = true
    :: d_step { refusal = 2 } -> d_step { refusal = 0; event = true }
    fi
}

/* ------------------------------------------------------------- the daemon */

/* publisher_withdraw_from(): a transaction of its own, or downgrade_plainly(). It does not ask whose
 * home it is: nothing is claimed, and nothing made where nothing is. */
inline withdraw(with)
{
    if
    :: d_step { refusal == 0 && status != NONE -> status = with; word = NONE }
    :: d_step { refusal == 1 -> status = NONE; word = NONE }
    :: d_step { refusal == 0 && status == NONE -> skip }
    :: refusal == 2
    fi
}

/* publisher.c run(): a transaction that writes what, made from the facts seen_*. */
inline publish(what)
{
#ifndef MARK_LATE
    marked = true; /* before the tree holds anything */
#endif
    do
    :: done || failed || stale -> break
    :: else ->
        /* transaction.c: xs_transaction_start() */
        if
        :: d_step { refusal > 0 -> failed = true }
        :: d_step { refusal == 0 ->
               home_moved = false; record_moved = false;
               /* place_check_home(), incarnation_check(): in the transaction */
               read_home = home; read_record = record };
           /* xs_transaction_end(): what was read must not have changed */
           d_step {
               if
               :: refusal > 0 -> failed = true
#ifndef NO_NODE_READ
               :: refusal == 0 && (home_moved || (what == PROTECTED && record_moved)) -> skip
               :: refusal == 0 && !home_moved && !(what == PROTECTED && record_moved) &&
                  (read_home != seen_home || (what == PROTECTED && !read_record)) -> stale = true
               :: refusal == 0 && !home_moved && !(what == PROTECTED && record_moved) &&
                  read_home == seen_home && (what != PROTECTED || read_record) ->
#else
               :: refusal == 0 ->
#endif
                   assert(home != 0);             /* rule 5: never brings back a removed domain */
                   assert(home == seen_home);     /* rule 5: never in another domain's home */
                   if
                   :: what == PROTECTED ->
                       assert(asked && held);     /* rule 1: evidence of this very pass */
                   :: else
                   fi;
                   status = READY; word = what; done = true
               fi
           }
        fi
    od;
#ifdef MARK_LATE
    marked = true;
#endif
    /* publisher.c settle(): what stands claims more than what is wanted */
    overstated = failed && mirror == PROTECTED && what != PROTECTED;
#ifndef NO_OTHER_WAY
    if
    :: overstated ->
        /* downgrade_plainly(): a removal, which makes nothing */
        if
        :: d_step { refusal < 2 ->
#ifdef PLAIN_WRITE
               assert(home != 0);                 /* rule 5: a write makes what is not there */
#endif
               status = NONE; word = NONE; overstated = false; mirror = NONE }
        :: refusal == 2
        fi
    :: else
    fi;
#else
    overstated = false;
#endif
    d_step {
        if
        :: done -> mirror = what; mirror_of = seen_home
        :: stale -> event = true /* pass_publish.c distrust(): another pass, at once */
        :: else
        fi;
        done = false; failed = false; read_home = 0; read_record = false
    }
}

proctype daemon()
{
    byte seen_home, read_home, mirror = NONE, mirror_of = 0;
    bool seen_record, read_record, taken, asked, held, news, done, failed, stale, overstated;

    {
        /* daemon.c connect_store(): what an earlier run left */
        withdraw(STARTING);
        event = true;
        do
        :: stopping || !keeping -> break /* take_stop(); the keeper's end of the pipe is closed */
        :: !stopping && keeping && event ->
            /* reconciler_run() -> pass_observe(): domains, records; events first */
            event = false;
            d_step { seen_home = home;
#ifdef READ_FRONTEND
                     seen_record = record || frontend
#else
                     seen_record = record
#endif
                   };
            d_step {
                if
                :: seen_home != mirror_of -> mirror = NONE; mirror_of = 0 /* publisher_verify() */
                :: else
                fi };
            /* pass_downgrade(), pass_publish(false): before anything slower */
#ifndef NO_DOWNGRADE_FIRST
            if
            :: mirror == PROTECTED && !seen_record -> publish(UNKNOWN)
            :: else
            fi;
#endif
            /* rule 2: nothing slower is done while more stands than is known to hold; a store that
             * refuses everything apart, which the bound is for */
            assert(!(mirror == PROTECTED && !seen_record) || refusal > 0 || stale || overstated);
            /* conclude_and_publish(): verify_homes() and others may end the pass here */
            if
            :: mute -> goto next
            :: else
            fi;
            /* inquiry_run(): Xen says that some guest has it, not which */
            d_step { taken = (owner != 0); held = (owner != 0 && owner == seen_home); asked = true };
            /* pass_take_news(): what had an event since is not what Xen was asked about */
            news = event;
            /* pass_conclude(), pass_publish(true) */
            if
            :: seen_home != 0 && seen_record && taken && !news -> publish(PROTECTED)
            :: seen_home != 0 && !(seen_record && taken && !news) &&
               (mirror != UNKNOWN || overstated) -> publish(UNKNOWN)
            :: else
            fi;
next:       skip;
            d_step { stale = false; asked = false; held = false; taken = false; news = false;
                     seen_home = 0; seen_record = false };
            /* daemon.c note_overstated(), lose_store(): another connection, then the bound */
            if
            :: overstated && refusal == 2 -> goto failed_end /* reach_bound(): status 1 */
            :: overstated && refusal < 2 -> overstated = false; event = true
            :: else
            fi
        od;
        /* serve(): "stopped" before the process ends */
        withdraw(STOPPED);
        assert(refusal > 0 || status != READY);   /* rule 6 */
failed_end:
        skip
    } unless { /* what hangs takes no step, until it is killed */
        if
        :: killed
        :: stuck -> killed
        fi
    };
    living = false
}

/* keeper.c: waits for the daemon's end, or for its heartbeat to stand; withdraws what is marked over a
 * connection of its own: each tree's word in one transaction that reads the home (unsay_in()), after
 * which no record counts, and then the records; or all of it plainly. */
proctype keeper()
{
#ifndef NO_KEEPER
    {
        if
        :: stuck -> killed = true; !living /* KEEPER_STUCK_S; then waitpid() */
        :: !living
        fi;
        if
        :: marked -> d_step { /* keeper_withdraw.c */
               if
               :: status != NONE -> status = STOPPED; word = NONE
               :: else
               fi }
        :: else
        fi
    } unless { keeper_killed };
    keeping = false
#else
    skip
#endif
}

/* Starts it all, once more if it ended; and looks when nothing moves any more. */
init
{
    atomic { living = true; keeping = true; run toolstack(); run fate();
#ifdef READ_FRONTEND
             run guest();
#endif
             run daemon(); run keeper() };
#ifdef CLAIMS_ARE_MADE /* that the rules are not kept by saying nothing */
    timeout -> assert(!BELIEVED)
#else
    if
    :: !living && !keeping -> skip /* nobody starts it again */
    :: !living && !keeping -> /* systemd's Restart= */
        atomic { killed = false; stuck = false; stopping = false; keeper_killed = false;
                 marked = false; living = true; keeping = true; run daemon(); run keeper() }
    :: timeout -> skip
    fi;
    timeout ->
        assert(!BELIEVED || TRUE_NOW);              /* rule 2: no wrong word for ever */
        assert(status != READY || (living && !stuck)); /* rule 6: nor one that nobody keeps */
        assert(status == NONE || home != 0);        /* rule 5: no ghost */
        /* rule 9: it converges */
        assert(!(living && !stuck && !mute && refusal == 0 && home != 0 && owner == home && record) ||
               BELIEVED)
#endif
}
