/* An event to whoever waits for it: a run that begins to wait while it is sent.

   The sender commits the event and then looks for waits; the run commits its wait and then looks
   for events. A sweep delivers what a worker that died in between has not. Other transactions see
   what is committed, and nothing else. */

#ifndef DEATHS
#define DEATHS 1
#endif

bool waits = false, kept = false, sent = false;
byte delivered = 0;
byte deaths = DEATHS;

/* Delivered twice is stored once: the event's id is unique in the run. */
#define DELIVER atomic { if :: delivered == 0 -> delivered++ :: else fi }

proctype Run() {
#ifdef ONE_TRANSACTION_EACH
    bool found;
    found = kept;
    atomic { waits = true; if :: found && delivered == 0 -> delivered++ :: else fi }
#else
    waits = true;
    if :: atomic { deaths > 0 -> deaths-- } goto out :: skip fi;
#ifndef RUN_DOES_NOT_LOOK
    if :: kept -> DELIVER :: else fi;
#endif
out: skip
#endif
}

proctype Sender() {
    bool found;
#ifdef ONE_TRANSACTION_EACH
    found = waits;
    atomic { kept = true; sent = true; if :: found && delivered == 0 -> delivered++ :: else fi }
#else
    atomic { kept = true; sent = true }
    if :: atomic { deaths > 0 -> deaths-- } goto out :: skip fi;
    found = waits;
    if :: found -> DELIVER :: else fi;
out: skip
#endif
}

#ifndef NO_SWEEP
proctype Sweep() { do :: atomic { kept && waits && delivered == 0 -> delivered++ } od }
#endif

active proctype Always() { delivered > 1 -> assert(false) }
proctype End() { timeout -> assert(!sent || delivered == 1) }

init {
    atomic {
        run Run(); run Sender(); run End();
#ifndef NO_SWEEP
        run Sweep()
#endif
    }
}
