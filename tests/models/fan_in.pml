/* Branches of one run that end on several workers at the same moment; the run goes on after all.

   Each end counts up the run's wake counter in its own transaction. Nobody counts who is last. */

#define BRANCHES 3

byte ends = 0, wake_seq = 0;
bool owned = false, is_due = false, joined = false;

proctype Branch() {
#ifdef LAST_ONE_WAKES
    /* Its own end is not visible to others before it commits, nor theirs to it. */
    byte seen;
    seen = ends + 1;
    atomic {
        ends++;
        if :: seen == BRANCHES -> wake_seq++; if :: !owned -> is_due = true :: else fi :: else fi
    }
#else
    atomic { ends++; wake_seq++; if :: !owned -> is_due = true :: else fi }
#endif
}

proctype Driver() {
    byte known, seen;
    do
    :: atomic { is_due && !joined -> is_due = false; owned = true; known = wake_seq }
        seen = ends;
        if
        :: seen == BRANCHES -> atomic { joined = true; owned = false }
        :: else ->
#ifdef PARK_WITHOUT_COUNTER
            atomic { owned = false; is_due = false }
#else
            atomic { owned = false; is_due = (wake_seq > known) }
#endif
        fi
    od
}

proctype End() { timeout -> assert(joined) }

init {
    byte number = 0;
    atomic {
        run Driver(); run End();
        do :: number < BRANCHES -> run Branch(); number++ :: else -> break od
    }
}
