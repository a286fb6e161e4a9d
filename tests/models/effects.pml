/* What steps do to the world, when workers die, lose their leases, and the run is ended.

   Step 0 is an ordinary one: its effect, and then its record. Step 1 is atomic: both in one
   transaction. Step 2 is done at most once: its intent is recorded before its effect. */

byte epoch = 0, ends = 0, place = 0, taken_over = 0, late = 0;
bool held = false, expired = false, ended = false;
byte effects[3], records[3];
bool intent = false, ambiguous = false;
byte deaths = 2, early = 2, cancels = 1;

#define MINE (epoch == mine && !ended)
#define DIE atomic { deaths > 0 -> deaths--; if :: epoch == mine -> expired = true :: else fi }
#define MAY_DIE if :: DIE; goto idle :: skip fi

proctype Worker() {
    byte mine, at;
    bool begun;
idle:
    atomic {
        (!ended && (!held || expired)) ->
        if :: held -> taken_over++ :: else fi;
        epoch++; mine = epoch; held = true; expired = false; at = place; begun = intent
    }
next:
    MAY_DIE;
    if
    :: at == 0 ->
        effects[0]++;
        MAY_DIE;
#ifdef CHECK_WITHOUT_LOCK
        if :: MINE -> skip :: else -> goto idle fi;
        atomic {
            if :: !MINE -> late++ :: else fi;
            if :: records[0] == 0 -> records[0]++; place = 1; at = 1 :: else -> goto idle fi
        }
#else
        atomic { if :: MINE -> records[0]++; place = 1; at = 1 :: else -> goto idle fi }
#endif
        goto next
    :: at == 1 ->
#ifdef ATOMIC_WITHOUT_TRANSACTION
        effects[1]++;
        MAY_DIE;
        atomic { if :: MINE -> records[1]++; place = 2; at = 2 :: else -> goto idle fi }
#elif defined(ATOMIC_WITHOUT_FENCE)
        atomic { effects[1]++; if :: MINE -> records[1]++; place = 2; at = 2 :: else -> goto idle fi }
#else
        atomic { if :: MINE -> effects[1]++; records[1]++; place = 2; at = 2 :: else -> goto idle fi }
#endif
        goto next
    :: at == 2 && !begun ->
#ifndef NO_INTENT
        atomic { if :: MINE && !intent -> intent = true; begun = true :: else -> goto idle fi }
        MAY_DIE;
#endif
        effects[2]++;
        MAY_DIE;
        atomic { if :: MINE && !ambiguous -> records[2]++; place = 3; at = 3 :: else -> goto idle fi }
        goto next
    :: at == 2 && begun ->
        /* Somebody has begun, and nobody knows how it ended: a person says. */
        atomic { if :: MINE && place == 2 -> ambiguous = true; place = 3; at = 3 :: else -> goto idle fi }
        goto next
    :: at == 3 ->
        atomic { if :: MINE -> ended = true; ends++; held = false :: else fi }
        goto idle
    fi
}

proctype World() {
    do
    :: atomic { held && !expired && !ended && early > 0 -> early--; expired = true }
    :: atomic { cancels > 0 && !ended -> cancels = 0; ended = true; ends++; epoch++; held = false }
    :: atomic { cancels > 0 -> cancels = 0 }
    od
}

active proctype Always() {
    (records[0] > 1 || records[1] > 1 || records[2] > 1 || ends > 1 || late > 0
        || effects[0] > 1 + taken_over || effects[1] != records[1] || effects[2] > 1
        || (records[2] > 0 && ambiguous)) -> assert(false)
}

proctype End() { timeout -> assert(ended && ends == 1) }

init { atomic { run Worker(); run Worker(); run World(); run End() } }
