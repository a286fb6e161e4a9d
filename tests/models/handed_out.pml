/* A step that was handed out: two workers that may execute it, and the run that waits for it.

   The task has an epoch and a lease of its own. A report deletes it, goes into the run's mailbox
   and wakes the run, in one statement. */

mtype = { asleep, soon };

bool task = true, task_owned = false, task_expired = false;
byte task_epoch = 0;
byte reports = 0, heard = 0, outcomes = 0, sleeping = 0;
bool owned = false;
mtype due = soon;
byte wake_seq = 0;
byte deaths = 1, early = 1, noise = 1;

#ifdef NO_FENCE
#define MINE (task_owned || !task)
#else
#define MINE (task && task_owned && task_epoch == mine)
#endif

proctype Hands() {
    byte mine;
    bool reported;
idle:
    atomic {
        (task && (!task_owned || task_expired)) ->
        task_epoch++; mine = task_epoch; task_owned = true; task_expired = false; reported = false
    }
    if
    :: atomic { deaths > 0 -> deaths--; if :: task_epoch == mine -> task_expired = true :: else fi }
        goto idle
    :: skip
    fi;
#ifdef REPORT_IN_TWO
    atomic { if :: MINE -> task = false; reported = true :: else fi }
    if :: reported -> skip :: else -> goto idle fi;
    if :: atomic { deaths > 0 -> deaths-- } goto idle :: skip fi;
    atomic { reports++; wake_seq++; if :: !owned -> due = soon :: else fi }
#else
    atomic {
        if
        :: MINE ->
            task = false; reports++;
#ifndef REPORT_WAKES_NOBODY
            wake_seq++;
#endif
            if :: !owned -> due = soon :: else fi
        :: else
        fi
    }
#endif
    goto idle
}

proctype Driver() {
    byte known, mail;
    do
    :: atomic { due == soon && outcomes == 0 -> owned = true; due = asleep; known = wake_seq }
        mail = reports;
        if
        :: mail > heard -> atomic { heard++; outcomes++; owned = false }
        :: else ->
            atomic { owned = false; if :: wake_seq > known -> due = soon :: else -> due = asleep fi }
        fi
    od
}

/* A lease that ends although its worker lives; and something else that wakes the run. */
proctype World() {
    do
    :: atomic { task && task_owned && !task_expired && early > 0 -> early--; task_expired = true }
    :: atomic { noise > 0 -> noise--; wake_seq++; if :: !owned -> due = soon :: else fi }
    od
}

active proctype Always() { (reports > 1 || outcomes > 1) -> assert(false) }
proctype End() { timeout -> assert(outcomes == 1) }
init { atomic { run Hands(); run Hands(); run Driver(); run World(); run End() } }
