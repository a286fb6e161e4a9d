/* A wait with a timeout: its event and its end at the same moment, and workers that die.

   A timeout is recorded only if no event came since the mailbox was read. The branch that the
   body takes then is the same in every replay, and an event that came in time wins. */

mtype = { nothing, event, over };

mtype recorded = nothing;
bool sent = false, is_late = false, finished = false;
bool did_event = false, did_timeout = false, overruled = false;
byte epoch = 0, wake_seq = 0, deaths = 2, ticks = 4;

#define MINE (epoch == mine && !finished)

proctype Worker() {
    byte mine, known;
    bool mail;
    mtype found;
    do
    :: atomic { ticks > 0 && !finished && (sent || is_late) ->
            ticks--; epoch++; mine = epoch; known = wake_seq }
        found = recorded;
        mail = sent;
        if
        :: found == nothing && mail -> found = event
        :: found == nothing && !mail && is_late -> found = over
        :: found == nothing && !mail && !is_late -> goto next
        :: found != nothing -> goto branch
        fi;
#ifndef NOT_RECORDED
        atomic {
            if
#ifdef NO_LAST_LOOK
            :: MINE && recorded == nothing ->
#elif defined(NO_CONDITION)
            :: true ->
#else
            :: MINE && recorded == nothing && (found == event || wake_seq == known) ->
#endif
                recorded = found;
                if :: found == over && sent -> overruled = true :: else fi
            :: else -> goto next
            fi
        }
#endif
branch:
        if :: atomic { deaths > 0 -> deaths-- } goto next :: skip fi;
        if :: found == event -> did_event = true :: found == over -> did_timeout = true fi;
        if :: atomic { deaths > 0 -> deaths-- } goto next :: skip fi;
        atomic { if :: MINE -> finished = true :: else fi }
next:   skip
    od
}

proctype Sender() { atomic { sent = true; wake_seq++ } }
proctype Clock() { is_late = true }
active proctype Always() { ((did_event && did_timeout) || overruled) -> assert(false) }
init { atomic { run Worker(); run Worker(); run Sender(); run Clock() } }
