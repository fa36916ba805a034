-- AlterTable
ALTER TABLE "segments" ADD COLUMN     "evaluations" JSONB NOT NULL DEFAULT '[]';
