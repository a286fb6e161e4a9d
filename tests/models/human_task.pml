/* A task for people: the run opens it, two people answer it, somebody cancels the run.

   An answer locks the run and then the task: its decision, its event and the wake commit
   together. A record that opens a task fails when a cancel has come that the body does not know. */

mtype = { absent, open, completed, withdrawn };

mtype task = absent;
bool cancelled = false, done = false;
byte decisions = 0, replies = 0, events = 0, wakes = 0;
byte deaths = 1;

proctype Run() {
#ifdef OPENED_OUTSIDE_THE_RECORD
    bool is_open;
    is_open = !cancelled;
    if :: is_open -> task = open :: else fi
#elif defined(CANCEL_NOT_HEEDED)
    atomic { task = open }
#else
    atomic { if :: !cancelled -> task = open :: else fi }
#endif
    done = true
}

proctype Person() {
    mtype seen;
    bool won = false;
    (task != absent || done);
#ifdef LOOK_THEN_SAVE
    seen = task;
    if
    :: seen == open -> atomic { task = completed; decisions++; replies++; events++; wakes++ }
    :: else
    fi
#elif defined(DECISION_AND_EVENT_APART)
    atomic { if :: task == open && !cancelled -> task = completed; decisions++; replies++; won = true :: else fi }
    if
    :: won ->
        if :: atomic { deaths > 0 -> deaths-- } goto out :: skip fi;
        atomic { events++; wakes++ }
    :: else
    fi;
out: skip
#else
    atomic {
        if
        :: task == open && !cancelled ->
            task = completed; decisions++; replies++; events++; wakes++
        :: else
        fi
    }
#endif
}

proctype Canceller() {
#ifdef CANCEL_IN_TWO
    cancelled = true;
    if :: atomic { deaths > 0 -> deaths-- } goto out :: skip fi;
    atomic { if :: task == open -> task = withdrawn :: else fi };
out: skip
#else
    atomic { cancelled = true; if :: task == open -> task = withdrawn :: else fi }
#endif
}

proctype End() {
    timeout ->
    assert(decisions <= 1 && replies == decisions && events == decisions);
    assert(task != completed || wakes > 0);
    assert(!(cancelled && task == open))
}

init { atomic { run Run(); run Person(); run Person(); run Canceller(); run End() } }
