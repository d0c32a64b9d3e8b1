namespace MailGrains.Benchmarks.Peer;

/// <summary>Dovecot with its defaults, in folders of its own: LMTP to Maildir, any user.</summary>
internal sealed class DovecotConfiguration(string folder)
{
    public string File { get; } = Path.Combine(folder, "dovecot.conf");

    public string Log { get; } = Path.Combine(folder, "log");

    private string Mail { get; } = Path.Combine(folder, "mail");

    /// <summary>The Maildir of an address.</summary>
    public string Maildir(string address) => Path.Combine(Mail, address[..address.IndexOf('@')], "Maildir");

    /// <param name="lmtpSocket">The socket that Postfix connects to.</param>
    /// <param name="user">The number of the system's user that owns the mail.</param>
    /// <param name="group">Its group.</param>
    public void Write(string lmtpSocket, int user, int group)
    {
        Directory.CreateDirectory(Mail);
        System.IO.File.SetUnixFileMode(Mail, (UnixFileMode)0b111_111_111);
        System.IO.File.WriteAllText(File, $$"""
            protocols = lmtp
            ssl = no
            base_dir = {{folder}}/run
            state_dir = {{folder}}/state
            log_path = {{Log}}
            mail_location = maildir:~/Maildir
            first_valid_uid = {{user}}
            namespace inbox {
              inbox = yes
            }
            passdb {
              driver = static
              args = nopassword=y
            }
            userdb {
              driver = static
              args = uid={{user}} gid={{group}} home={{Mail}}/%n allow_all_users=yes
            }
            service lmtp {
              unix_listener {{lmtpSocket}} {
                mode = 0600
                user = postfix
                group = postfix
              }
            }

            """);
    }
}
