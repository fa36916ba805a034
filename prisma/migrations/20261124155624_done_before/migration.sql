-- AlterTable
ALTER TABLE "experiments" ADD COLUMN     "done_before" INTEGER NOT NULL DEFAULT 0;
