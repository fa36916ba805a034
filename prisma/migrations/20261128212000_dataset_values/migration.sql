-- Datasets of numbers, tokens and targets that are numbers; null: bytes, and a class each.
ALTER TABLE "datasets" ADD COLUMN "about" JSONB;
