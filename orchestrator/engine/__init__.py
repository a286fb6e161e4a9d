"""The engine at work: claims runs, drives their bodies, executes their steps.

In the order in which a run meets them:

    worker       the engine of a process: it starts and stops all the rest
    intake       looks for due runs, claims them, loads what is recorded of them
    driver       drives many runs in one thread, in turns
    live         one claimed run, and of it
      beginning    how its body begins
      pending      what its body waits for
      entries      what it asks for, as entries of the journal
      attempts     what comes of the attempts of its steps
      executing    which of its steps execute here
      effects      what it does to other runs
      draft        what is to be recorded
      gauge        how large that has grown
      waiting      what it waits for when nobody holds it
      ending       how it ends
      obstacle     what makes it impossible to go on with it
    executor     one attempt of a step
      pool         in a thread
      real_loop    on an event loop
    handing      steps that any worker may execute, at the run's side
    hands        the same at the side of who executes them

Beside the runs of a worker:

    heart        keeps their leases
    upkeep       says that the worker is there, and looks after what is nobody's
    keeper       starts what schedules ask for, and removes what is old
    timers       looks at the clock for workers that look rarely

    orders       what operators tell a run through its mailbox
    replaying    a recorded history against today's code, without a database
"""
