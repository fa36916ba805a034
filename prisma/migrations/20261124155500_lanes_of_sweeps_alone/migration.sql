-- A lane is a submitter's sweep, or everything else of that submitter (src/queue/turns.ts). A tag made one too, from
-- before there were sweeps: who gave every experiment another tag had a share for each. What waits keeps its turn.
CREATE OR REPLACE FUNCTION "take_turn"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  iterations int := (NEW.spec #>> '{training,iterations}')::int;
  segment int := (NEW.spec #>> '{allocation,segmentIterations}')::int;
BEGIN
  NEW.lane := NEW.tenant || '/' || coalesce(NEW.sweep_id::text, '');
  SELECT 1 + greatest(
    (SELECT max(turn_end) FROM experiments
      WHERE lane = NEW.lane AND status IN ('queued', 'training', 'allocating')),
    (SELECT max(e.turn + (SELECT count(*) FROM segments s WHERE s.experiment_id = e.id AND s.status = 'allocated'))
       FROM experiments e WHERE e.status IN ('training', 'allocating')),
    0)
  INTO NEW.turn;
  NEW.turn_end := NEW.turn + coalesce(ceil(iterations::float8 / segment), 1);
  RETURN NEW;
END $$;
