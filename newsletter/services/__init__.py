"""Services: one use case each. Doors call them through the engine, and workers will; they call only downward.

    papers          any form of an id ─▶ entries
    collection      sources ─ collector ─▶ sightings ─▶ entries (store)
    summaries       news without a TL;DR ─ language model ─▶ entries
    vectors         papers and readers' words ─ embedder ─▶ vectors (kept); where it fails, words alone count
    planning        store ─▶ pool, templates and audience, frozen: an issue, one delivery per subscriber
    readership      profiles and votes ─▶ Readership of an issue, signals of a reader
    editions        Frozen + Readership + vectors ─▶ PreparedIssue ─▶ editions, chosen for a block of readers
    drafts          store, templates ─ a thread ─▶ one PreparedIssue for the pages of all readers
    sending         claims ─▶ editions (kept) ─▶ mails, signed ─ begin ─ sender ─▶ settled in the ledger
    single_mail     confirmations and tests ─▶ one mail, outside the ledger
    accounting      ledger ─▶ planned = accepted + refused + skipped + expired + uncertain + waiting
    subscriptions   pages, command line ─▶ subscribers, profiles, votes
    signup_limits   a sign-up, from where and for whom ─▶ too many?
    challenge       a puzzle for a browser ─▶ solved, once?
    confirmations   sign-up ─▶ a mail that asks for a confirmation ─ queue ─▶ single_mail
    mailbox_reports mailboxes, web hooks ─ bounces ─▶ bounce_reports: ours? ─▶ subscribers
    background_collection  a collection beside the schedule's other steps ─▶ what it brought, at its end
    scheduling      what is due now ─▶ the services above, one step after the other
    explaining      one reader, one entry ─▶ why it was picked or left, number by number
    evaluation      editions (kept), votes, pools chosen anew ─▶ report
    archive         issues that went out ─▶ what everybody may see
    doctor          settings, a sample mail, the database ─▶ what `newsletter doctor` examines
    status          sources, issues, readers ─▶ what keeps mail from coming

An edition is kept before its mail goes out, so that a mail is the same to the byte when it is sent again.
"""
