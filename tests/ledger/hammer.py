"""A process that reserves and settles until it is killed or nothing is left, and prints what it has settled.

Arguments: ledger, budget, seed, name of the process, how many requests it may settle, how many go into a batch.
"""

import random
import sys

from shadowprice.ledger import Answer, Ledger


def main(path: str, budget: int, seed: int, me: str, most: int, batch: int) -> None:
    rng = random.Random(seed)
    with Ledger(path) as ledger:
        run = ledger.open_run(budget=budget, settings={}, fingerprint="f", resume=True)
        print("open", flush=True)
        sys.stdin.readline()  # so that processes begin together, if they are given something to read
        for start in range(0, most, batch):
            requests = [f"{me}/{number}" for number in range(start, min(most, start + batch))]
            requests.append(f"shared/{rng.randrange(most)}")
            with ledger.batch():
                granted = {request: run.reserve(request, rng.randint(1, 50)) for request in requests}
            with ledger.batch():
                for request, grant in granted.items():
                    if grant.tokens and rng.random() < 0.3:
                        granted[request] = run.extend(request, grant.tokens + 10)
            said = []
            with ledger.batch():
                for request, grant in granted.items():
                    if not grant.tokens:
                        continue
                    generated = rng.randint(0, grant.tokens)
                    if rng.random() < 0.1:
                        run.charge(request, generated)
                    else:
                        run.settle(request, generated, "finished", {"text": "x" * rng.randint(0, 3000), "by": me})
                        said.append(f"{request} {generated}")
            if said:
                print("\n".join(said), flush=True)
            if all(grant.answer is Answer.NOTHING_LEFT for grant in granted.values()):
                break
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))
