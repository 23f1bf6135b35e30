"""The data-use agreement: what may be asked of the data about people's work, signed by employer and workers.

terms     what can be agreed on, and nothing else        toml      terms as a commented file
scope     what a change of terms widens or narrows       words     terms in plain words, English and Korean
keys      the parties' keys                              signature COSE_Sign1, ES256
document  terms with their number, as bytes to sign      chain     are the stored agreements what they say?
desk      propose, sign, take in a signed copy           paper     a copy that can be checked anywhere

`jikimi.fleet.questions` is where the agreement in force is applied.
"""
