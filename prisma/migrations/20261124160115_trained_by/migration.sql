-- AlterTable
ALTER TABLE "segments" ADD COLUMN     "trained_by" JSONB;
