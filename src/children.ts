/** What our child processes inherit: everything, but for what only one process can have. */

const inspector = /(^|\s)--(inspect|debug)(-brk|-port|-wait|-publish-uid)?(=\S*)?(?=\s|$)/g

/** The environment without a debugger in NODE_OPTIONS: its port is this process's, and with -brk a child would wait for ever. */
export function childEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const { NODE_OPTIONS } = env
  return NODE_OPTIONS === undefined
    ? env
    : { ...env, NODE_OPTIONS: NODE_OPTIONS.replace(inspector, '').trim() }
}

/** Node's own arguments of this process, for a child: without a debugger. */
export const childArguments = (args = process.execArgv): string[] =>
  args.filter(argument => argument.replace(inspector, '') !== '')
