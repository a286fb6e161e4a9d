/* A run and its workers: claim, load, record, park, finish; events, deaths, leases that end early.

   What stands in `atomic` is one transaction, or one statement, under the lock of the run's row.
   The run executes a step, then waits for an event, EVENTS times. Workers find a run when it is
   due; a hint that never comes only makes them later. */

#ifndef EVENTS
#define EVENTS 2
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#define LAST EVENTS

mtype = { asleep, soon, leased };

/* The run's row, its journal and its mailbox. */
bool ended = false;
byte epoch = 0;
bool owned = false;
mtype due = soon;
byte wake_seq = 0;
byte sent = 0, consumed = 0;
byte recorded = 0;
byte records[4];

/* What happens to it: deaths, leases that end although their owner lives. */
byte deaths = 1, early = 1;
bool owner_lives = false;
byte taken_over = 0, executed = 0;

#if defined(NO_SWEEP) || defined(SWEEP_OF_LEASES_ONLY)
/* A run is found by a hint, and hints get lost. */
#define HINTED
byte hints = 1, losses = 1;
#define HINT hints = 1
#define HEAR hints = 0
#ifdef NO_SWEEP
#define HEARD (hints > 0)
#else
#define HEARD (hints > 0 || owned)
#endif
#else
#define HINT skip
#define HEARD true
#define HEAR skip
#endif

#if defined(NO_FENCE)
#define MINE (owned)
#elif defined(NO_OWNED)
#define MINE (epoch == mine)
#else
#define MINE (epoch == mine && owned)
#endif

#ifdef NO_UNIQUE
#define IS_NEW(at) true
#else
#define IS_NEW(at) (records[at] == 0)
#endif

#define DIE atomic { deaths > 0 -> deaths--; if :: epoch == mine -> owner_lives = false :: else fi }

proctype Worker() {
    byte mine, place, known, mail;
    bool lost;
idle:
#ifdef JOURNAL_BEFORE_CLAIM
    place = recorded;
#endif
    atomic {
        (due == soon && !ended && HEARD) -> HEAR;
        if :: owned -> taken_over++ :: else fi;
#ifndef ONE_EPOCH
        epoch++;
#endif
        mine = epoch; owned = true; due = leased; owner_lives = true;
        known = wake_seq; lost = false
    }
    /* The journal, and then the mailbox: each a statement of its own, after the claim. */
#ifndef JOURNAL_BEFORE_CLAIM
    place = recorded;
#endif
look:
    mail = sent;
#ifdef LATE_SNAPSHOT
    known = wake_seq;
#endif
work:
    if
    :: DIE; goto idle
    :: atomic { MINE -> due = leased }     /* the heart beats beside the driver */
    :: skip
    fi;
    if
    :: place == 0 ->
        executed++;
        if :: DIE; goto idle :: skip fi;
        goto record
    :: place > 0 && place <= LAST && mail > consumed -> goto record
    :: place > 0 && place <= LAST && mail <= consumed ->
        if :: DIE; goto idle :: skip fi;
        atomic {
            if
            :: MINE && !ended ->
                owned = false;
                if
#ifndef NAIVE_PARK
                :: wake_seq > known -> due = soon; HINT
#endif
                :: else -> due = asleep
                fi
            :: else
            fi
        }
        goto idle
    :: place > LAST ->
        atomic { if :: MINE && !ended -> ended = true; owned = false; due = asleep :: else fi }
        goto idle
    fi;
record:
    atomic {
        if
        :: MINE && !ended && IS_NEW(place) ->
            records[place]++;
            if :: place > 0 -> consumed++ :: else fi;
            place++;
            recorded = place
        :: else -> lost = true
        fi;
    }
    if :: lost -> goto idle :: else fi;
    /* The answer says whether there is news. The counter is taken over before the mailbox is read. */
    if
    :: atomic { wake_seq > known -> known = wake_seq }; goto look
    :: atomic { wake_seq <= known -> skip }; goto work
    fi
}

proctype Sender() {
    byte number = 0;
    do
    :: number < EVENTS ->
        number++;
#ifdef EVENT_AND_WAKE_APART
        sent++;
        if :: atomic { deaths > 0 -> deaths-- } goto next :: skip fi;
        atomic { wake_seq++; if :: !owned -> due = soon; HINT :: else fi }
#elif defined(WAKE_OF_THE_HELD)
        atomic { sent++; wake_seq++; due = soon; HINT }
#else
        atomic { sent++; wake_seq++; if :: !owned -> due = soon; HINT :: else fi }
#endif
next:   skip
    :: else -> break
    od
}

proctype Time() {
    do
    :: atomic { due == leased && !owner_lives -> due = soon; HINT }
    :: atomic { due == leased && owner_lives && early > 0 -> early--; due = soon; HINT }
#ifdef HINTED
    :: atomic { hints > 0 && losses > 0 -> losses--; hints = 0 }
#endif
    od
}

/* When nothing can happen any more, everything has happened, once. */
proctype End() {
    byte at = 0;
    timeout -> assert(ended);
    do :: at <= LAST -> assert(records[at] == 1); at++ :: else -> break od;
    assert(consumed == EVENTS)
}

/* At any moment. A step is executed again only because a worker was thought dead. */
active proctype Always() {
    (records[0] > 1 || records[1] > 1 || records[2] > 1 || executed > 1 + taken_over) -> assert(false)
}

init {
    byte number = 0;
    atomic {
        run Sender(); run Time(); run End();
        do :: number < WORKERS -> run Worker(); number++ :: else -> break od
    }
}
