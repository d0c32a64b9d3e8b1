namespace MailGrains.Deployment;

/// <summary>Before everything is deleted: whoever does it says the environment's name, once here or in a variable.</summary>
public static class Predown
{
    /// <summary>Holds the environment's name where nobody can be asked.</summary>
    public const string Confirmation = "MAILGRAINS_CONFIRM_DELETE";

    /// <exception cref="HookException">It was not confirmed.</exception>
    public static async Task RunAsync(Hook hook, CancellationToken cancellationToken)
    {
        // Also where the variables of a deployment are not known: a pipeline has none, and azd finds what to delete without them.
        var variables = hook.Variables;
        var environment = variables.Required("AZURE_ENV_NAME");
        var accounts = variables.List("MAILGRAINS_STORAGE_URIS") is { Count: > 0 } uris ? $" ({string.Join(", ", uris)})" : "";
        await hook.Output.WriteLineAsync($"""

            `azd down` deletes ALL MAIL of {environment}: its storage accounts{accounts} with every mailbox, queue, tenant and login.
            What waits to be sent is not sent any more. Soft delete does not bring back the accounts themselves: without a back-up the mail is gone.
            The vault can't be purged; it stays deleted but recoverable for its retention time, and its name is taken meanwhile;
            the next `azd up` of an environment of this name, in the same region and subscription, brings it back.
            """);
        if (string.Equals(await AnswerAsync(hook, environment, cancellationToken), environment, StringComparison.Ordinal))
        {
            await hook.Output.WriteLineAsync($"Confirmed: {environment} is deleted.");
            return;
        }

        throw new HookException("Not confirmed: nothing was deleted.");
    }

    private static async Task<string?> AnswerAsync(Hook hook, string environment, CancellationToken cancellationToken)
    {
        if (hook.Variables[Confirmation] is { } said)
        {
            return said;
        }

        if (!hook.Interactive)
        {
            throw new HookException($"Nobody can be asked here. To delete it all the same, set {Confirmation}={environment}. Nothing was deleted.");
        }

        await hook.Output.WriteAsync($"Type {environment} to delete it: ");
        return (await hook.Input.ReadLineAsync(cancellationToken))?.Trim();
    }
}
