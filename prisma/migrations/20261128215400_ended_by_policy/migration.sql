-- AlterTable
ALTER TABLE "experiments" ADD COLUMN     "asked_iterations" INTEGER;
